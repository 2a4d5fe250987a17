"""What many would write by hand to take rows over HTTP: no receipt, no keys, no rejections."""
