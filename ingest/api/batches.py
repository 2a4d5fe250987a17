"""GET /api/batches/{id}: a receipt, as it was answered."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.receipts import BatchUnknown, read_receipt
from project.answers import answer_json
from project.database import writer_connection
from project.models import Scope


class BatchView(APIView):
    """One batch's receipt."""

    scopes = {"GET": Scope.READ}

    def get(self, request: Request, batch: str) -> HttpResponse:
        """Answer the receipt with all its rejections."""
        try:
            identifier = UUID(batch)
        except ValueError as error:
            raise BatchUnknown from error
        return answer_json(read_receipt(writer_connection(), identifier))
