"""A vendor's SFTP server on this machine: a real one, whose files change as a test says."""

import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import paramiko

USER, PASSWORD = "nightferry", "geheim-5c1b"


@dataclass
class File:
    """One entry of the folder. `stated` is a size the server claims; `after` what it says later."""

    data: bytes
    changed_at: int = 1_770_000_000
    mode: int = stat.S_IFREG | 0o644
    stated: int | None = None
    grows: bytes = b""

    def attributes(self, name: str = "") -> paramiko.SFTPAttributes:
        said = paramiko.SFTPAttributes()
        said.filename = name
        said.st_size = len(self.data) if self.stated is None else self.stated
        said.st_mtime = said.st_atime = self.changed_at
        said.st_mode = self.mode
        return said


@dataclass
class SftpVendor:
    """What the server has, and what it was asked."""

    files: dict[str, File] = field(default_factory=dict)
    key: paramiko.PKey = field(default_factory=paramiko.ECDSAKey.generate)
    client_key: paramiko.PKey | None = None
    signed_in_with: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    is_away: bool = False
    breaks_after: int | None = None
    port: int = 0

    @property
    def host_key(self) -> str:
        return f"{self.key.get_name()} {self.key.get_base64()}"


class _Session(paramiko.ServerInterface):
    def __init__(self, vendor: SftpVendor) -> None:
        self.vendor = vendor

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        self.vendor.signed_in_with.append(password)
        right = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.vendor.signed_in_with.append(key.get_base64())
        own = self.vendor.client_key
        right = own is not None and username == USER and key.asbytes() == own.asbytes()
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Handle(paramiko.SFTPHandle):
    def __init__(self, vendor: SftpVendor, file: File) -> None:
        super().__init__()
        self.vendor, self.file = vendor, file

    def stat(self) -> paramiko.SFTPAttributes:
        return self.file.attributes()

    def read(self, offset: int, length: int) -> bytes | int:
        if self.vendor.breaks_after is not None and offset >= self.vendor.breaks_after:
            return paramiko.SFTP_FAILURE
        piece = self.file.data[offset : offset + length]
        if self.file.grows:
            self.file.data, self.file.grows = self.file.data + self.file.grows, b""
        return piece


class _Files(paramiko.SFTPServerInterface):
    vendor: SftpVendor

    def __init__(self, server: _Session, *_: object, **__: object) -> None:
        self.vendor = server.vendor

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        if path.rstrip("/") != "/out":
            return paramiko.SFTP_NO_SUCH_FILE
        return [file.attributes(name) for name, file in self.vendor.files.items()]

    def _file(self, path: str) -> File | None:
        return self.vendor.files.get(path.removeprefix("/out/"))

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        file = self._file(path)
        return paramiko.SFTP_NO_SUCH_FILE if file is None else file.attributes()

    lstat = stat

    def open(self, path: str, flags: int, attr: object) -> paramiko.SFTPHandle | int:
        file = self._file(path)
        if file is None:
            return paramiko.SFTP_NO_SUCH_FILE
        self.vendor.fetched.append(path.removeprefix("/out/"))
        return _Handle(self.vendor, file)


@contextmanager
def serving() -> Iterator[SftpVendor]:
    """A server on a free port, for as long as it is entered."""
    vendor, over = SftpVendor(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    vendor.port = listener.getsockname()[1]
    sessions: list[paramiko.Transport] = []

    def serve() -> None:
        while not over.is_set():
            try:
                wire, _ = listener.accept()
            except TimeoutError:
                continue
            if vendor.is_away:
                wire.close()
                continue
            session = paramiko.Transport(wire)
            session.add_server_key(vendor.key)
            session.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            sessions.append(session)
            session.start_server(event=threading.Event(), server=_Session(vendor))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield vendor
    finally:
        over.set()
        thread.join()
        for session in sessions:
            session.close()
        listener.close()
