"""`imageserver healthcheck`: asks the server on a data folder whether it is alive. For containers and scripts.

It is run twice a minute for years, on machines where importing a web framework takes seconds: the standard library
does all of it.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from imageserver.config.folders import data_folder

SECONDS = 8.0  # for each step; a container waits for ten


def look(data: Path, seconds: float = SECONDS) -> tuple[bool, str]:
    """Whether the server on this data folder is alive, and a sentence about it. Never raises.

    Port and address are those that the server left in its folder. That port speaks plain HTTP whatever else it
    speaks, so no certificate can be in the way.
    """
    file = data / "server.json"
    try:
        host = urlsplit(str(json.loads(file.read_text(encoding="utf-8"))["url"])).netloc
        connection = http.client.HTTPConnection(host or "[nowhere]", timeout=seconds)
    except FileNotFoundError:
        return False, f"no server runs on {data}"
    except (OSError, ValueError, KeyError, TypeError, http.client.InvalidURL) as error:
        return False, f"{file} cannot be read: {error!r}"
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        status, said = answer.status, json.loads(answer.read(65_536))
        alive, dead = said["status"] == "ok", ", ".join(said["not_running"])
    except (OSError, http.client.HTTPException) as error:
        return False, f"the server at {host} does not answer: {str(error) or type(error).__name__}"
    except (ValueError, KeyError, TypeError):
        return False, f"what answers at {host} is no ImageServer"
    finally:
        connection.close()
    if alive and status == 200:
        return True, "alive"
    return False, f"not alive: {dead or f'status {status}'}"


def check(data: str | None) -> int:
    """Print the sentence; the exit code is 0 for a server that is alive, otherwise 1."""
    is_alive, sentence = look(data_folder(data, os.environ))
    print(sentence, file=sys.stdout if is_alive else sys.stderr)
    return 0 if is_alive else 1


def plain_call(arguments: Sequence[str]) -> int | None:
    """The same for `healthcheck` and `healthcheck --data DIR`, without the command line's other parts; else None."""
    if not arguments:
        return check(None)
    return check(arguments[1]) if len(arguments) == 2 and arguments[0] == "--data" else None
