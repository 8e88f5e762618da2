"""Where secrets come from: the environment, a private file, or the system's keyring.

Owns the references ``env:NAME``, ``file:PATH`` and ``keyring:SERVICE/NAME``. Refuses files that others can read.
Invariant: no message, log line or repr made here ever holds a secret's value.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from connectors.secret import Secret

SCHEMES: Final = ("env", "file", "keyring")
_LARGEST = 65_536  # bytes; a private key has a few thousand


class SecretMissing(ValueError):
    """A secret that cannot be had. ``message`` says why, ``fix`` what to do; neither holds its value."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message}; {fix}")
        self.message = message
        self.fix = fix


def is_reference(value: object) -> bool:
    """Whether a configuration value names a secret instead of holding one."""
    return isinstance(value, str) and value.partition(":")[0] in SCHEMES and ":" in value


def resolve(reference: str, folder: Path) -> Secret:
    """Fetches the secret that a reference names; a relative file is looked for in ``folder``.

    Raises SecretMissing when it is not there, is empty, or lies open to others.
    """
    scheme, _, name = reference.partition(":")
    fetchers: dict[str, Callable[[str], str]] = {
        "env": _from_environment,
        "file": lambda path: _from_file(folder / Path(path).expanduser()),
        "keyring": _from_keyring,
    }
    if scheme not in fetchers or not name:
        raise SecretMissing(
            "this is no reference to a secret", 'write "env:NAME", "file:PATH" or "keyring:SERVICE/NAME"'
        )
    keepers: dict[str, Callable[[str], None]] = {
        "file": lambda text: _into_file(folder / Path(name).expanduser(), text),
        "keyring": lambda text: _into_keyring(name, text),
    }
    keep = keepers.get(scheme)
    fetch = partial(fetchers[scheme], name) if keep is not None else None  # a variable stays what it was at the start
    return Secret(fetchers[scheme](name), label=reference, keep=keep, fetch=fetch)


def _from_environment(name: str) -> str:
    if value := os.environ.get(name, ""):
        return value
    state = "is empty" if name in os.environ else "is not set"
    raise SecretMissing(f"the environment variable {name} {state}", f"set {name} before starting")


def _from_file(path: Path) -> str:
    try:
        # Judged on the open file, so that what is read is what was judged.
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SecretMissing(f"{path} is not a regular file", "name a file that holds nothing but the secret")
            if status.st_mode & 0o077:
                raise SecretMissing(f"others may read {path}", f"chmod 600 {path}")
            content = file.read(_LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise SecretMissing(
            f"the secret file {path} cannot be read: {reason}", "create it, readable by its owner alone"
        ) from None
    if len(content) > _LARGEST:
        raise SecretMissing(f"{path} is too large for a secret", "name a file that holds nothing but the secret")
    try:
        value = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretMissing(f"{path} is not text", "store the secret as UTF-8 text") from None
    if not value:
        raise SecretMissing(f"the secret file {path} is empty", "write the secret into it")
    return value


def _from_keyring(name: str) -> str:
    service, _, user = name.partition("/")
    if not (service and user):
        raise SecretMissing(f"keyring:{name} does not name a service and a user", 'write "keyring:SERVICE/NAME"')
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise SecretMissing("the keyring extra is not installed", "pip install 'sla-sidecar[keyring]'") from None
    try:
        value: str | None = keyring.get_password(service, user)
    except KeyringError as error:
        raise SecretMissing(
            f"the keyring gave no answer ({type(error).__name__})", "unlock it, or use env: or file:"
        ) from None
    if not value:
        raise SecretMissing(f"the keyring holds no {service}/{user}", f"keyring set {service} {user}")
    return value


def store(reference: str, secret: Secret, folder: Path) -> None:
    """Keeps a new secret where ``file:`` or ``keyring:`` says; a file and its folder are made for their owner alone.

    Raises FileExistsError for a file that is there, OSError when it cannot be kept, SecretMissing without a keyring.
    """
    scheme, _, name = reference.partition(":")
    if scheme == "keyring":
        ensure_keyring()
        _into_keyring(name, secret.reveal())
        return
    path = folder / Path(name).expanduser()
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "it is there already", str(path))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _into_file(path, secret.reveal())


def ensure_keyring() -> None:
    """Raises SecretMissing where no keyring can be used."""
    try:
        import keyring  # noqa: F401 - whether it is there
    except ImportError:
        raise SecretMissing("the keyring extra is not installed", "pip install 'sla-sidecar[keyring]'") from None


def _into_file(path: Path, text: str) -> None:
    """Puts ``text`` in the place of a file's content, whole and on disk, or not at all. Raises OSError."""
    # Beside it, so that the rename is one step on one file system; the name is ours alone.
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path.resolve())
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _into_keyring(name: str, text: str) -> None:
    """Raises OSError when the keyring does not take it."""
    import keyring
    from keyring.errors import KeyringError

    service, _, user = name.partition("/")
    try:
        keyring.set_password(service, user, text)
    except KeyringError as error:
        raise OSError(f"the keyring did not take it ({type(error).__name__})") from None
