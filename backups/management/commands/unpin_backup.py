"""`manage.py unpin_backup`: have the rules of retention decide about a backup again."""

from backups.management.commands import pin_backup
from backups.store.folder import Backup


class Command(pin_backup.Command):
    help = "Have the rules of backups.keep decide again how long a pinned backup stays."

    def change(self, backup: Backup) -> str:
        """Unpin the backup; return what it is now."""
        backup.unpin()
        return "is not pinned any more"
