"""What the server writes to its log: where something failed, never the data it failed on."""

from __future__ import annotations

import logging

from lesionkg.server.security import frames


class _WithoutData(logging.Filter):
    """Keeps of a failure its kind and place: messages of errors may hold values, and browsers may send any text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; errors lose their message."""
        if record.funcName == "handle_log_message" or record.funcName == "_exception_handler_404":
            return False
        if isinstance(record.msg, BaseException):
            record.exc_info = (type(record.msg), record.msg, record.msg.__traceback__)
        if record.exc_info and record.exc_info[1] is not None:
            record.msg, record.args = "\n".join(frames(record.exc_info[1])), None
            record.exc_info = record.exc_text = None
        return True


def set_up_logs() -> None:
    """Warnings and errors of the server go to standard error, one filter before all of them."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(_WithoutData())
    for name in ("uvicorn", "nicegui", "lesionkg.server"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
