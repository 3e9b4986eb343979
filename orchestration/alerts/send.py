"""One attempt to send one message, in a process of its own.

``python -m orchestration.alerts.send VARIABLE`` reads ``{"title", "body", "kind"}`` as JSON from
standard input, sends it to the address in the environment variable, and prints ``{"outcome",
"detail"}``. A process of its own, because a target that hangs can then be ended, and whatever the
libraries below log or print (addresses are secrets) goes no further than that process.

``detail`` is made of words of this module and a status number only; no text of a target or a
library is passed on.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

DELIVERED, FAILED, REFUSED, NOT_CONFIGURED = "delivered", "failed", "refused", "not_configured"
"""``failed`` is worth another attempt; ``refused`` and ``not_configured`` are not."""

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]{1,19})://", re.IGNORECASE)
#: Statuses of HTTP that say "later" rather than "no".
_LATER = {408, 425, 429}


def redacted(url: str | None) -> str:
    """An address with nothing secret left: its scheme."""
    found = _SCHEME.match((url or "").strip())
    return f"{found.group(1).lower()}://…" if found else "not readable" if url else "not set"


def send(url: str, message: dict[str, Any]) -> tuple[str, str]:
    """Send a message to one address: outcome and detail."""
    url = url.strip()
    if not _SCHEME.match(url):
        return NOT_CONFIGURED, "the variable does not hold an address (scheme://...)"
    if url.lower().startswith("file://"):
        return _to_file(url, message)
    try:
        import apprise
    except ImportError:
        return NOT_CONFIGURED, "the package apprise is not installed"
    target = apprise.Apprise()
    if not target.add(url) or len(target) != 1:
        return NOT_CONFIGURED, "the variable does not hold one address that Apprise knows"
    kinds = apprise.NotifyType
    kind = {"critical": kinds.FAILURE, "warning": kinds.WARNING}.get(message["kind"], kinds.INFO)
    with apprise.LogCapture(level=logging.WARNING) as captured:
        done = target.notify(
            title=message["title"],
            body=message["body"],
            notify_type=kind,
            body_format=apprise.NotifyFormat.TEXT,
        )
        said = captured.getvalue()
    if done:
        return DELIVERED, ""
    status = re.search(r"error=(\d{3})\b", said)
    if status is None:
        return FAILED, "the target could not be reached or did not take the message"
    number = int(status.group(1))
    outcome = REFUSED if 400 <= number < 500 and number not in _LATER else FAILED
    return outcome, f"the target answered with status {number}"


def _to_file(url: str, message: dict[str, Any]) -> tuple[str, str]:
    """Append the message as one line of JSON."""
    path = Path(unquote(urlsplit(url).path))
    line = json.dumps(message, ensure_ascii=False) + "\n"
    try:
        # One write to a file opened for appending: lines of two processes do not mix.
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)
    except OSError as error:
        return FAILED, f"the file could not be written: {os.strerror(error.errno or 0)}"
    return DELIVERED, ""


def main() -> None:
    """The attempt described by standard input; the result on the last line of standard output."""
    try:
        url = os.environ.get(sys.argv[1])
        message = json.loads(sys.stdin.read())
        outcome, detail = send(url, message) if url else (NOT_CONFIGURED, "the variable is not set")
    except Exception as error:
        outcome, detail = FAILED, type(error).__name__
    print("\n" + json.dumps({"outcome": outcome, "detail": detail}))


if __name__ == "__main__":
    main()
