"""Object stores on this machine, each by somebody else's server, behind one face for the scripts beside this file."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
from typing import Callable

ROOT = pathlib.Path(__file__).resolve().parents[4]
BUCKET = "fleet"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server's process, and the wait until it answers."""

    def __init__(self, command: list[str | pathlib.Path], log: pathlib.Path) -> None:
        self.command, self.log = [str(part) for part in command], log
        with log.open("w") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out)

    def answers(self, ask: Callable[[], object]) -> None:
        for _ in range(100):
            if self.process.poll() is not None:
                break
            try:
                ask()
                return
            except Exception:
                time.sleep(0.2)
        self.stop()
        raise SystemExit(f"{self.command[0]} does not answer:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class S3:
    """moto's S3. `environment` is what `cones` needs to find it."""

    scheme = "s3"

    def __init__(self, folder: pathlib.Path) -> None:
        import boto3

        port = free_port()
        moto = pathlib.Path(sys.executable).with_name("moto_server")
        self.server = Server([moto, "-H", "127.0.0.1", "-p", str(port)], folder / "moto.log")
        url = f"http://127.0.0.1:{port}"
        self.environment = {"AWS_ENDPOINT": url, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "a",
                            "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        self.s3 = boto3.client("s3", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
        self.server.answers(lambda: self.s3.create_bucket(Bucket=BUCKET))

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def names(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


class Azure:
    """Azurite (Node), Microsoft's own, as Azure's blobs."""

    scheme = "az"

    def __init__(self, folder: pathlib.Path) -> None:
        from azure.storage.blob import BlobServiceClient

        port = free_port()
        self.server = Server([found("azurite-blob"), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence",
                              "--skipApiVersionCheck"], folder / "azurite.log")
        url = f"http://127.0.0.1:{port}"
        self.environment = {"AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": url}
        # The account and the key that every Azurite has, printed in its documentation.
        key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
        client = BlobServiceClient(f"{url}/devstoreaccount1", credential=key)
        self.server.answers(lambda: client.create_container(BUCKET))
        self.container = client.get_container_client(BUCKET)

    def put(self, key: str, data: bytes) -> None:
        self.container.upload_blob(key, data, overwrite=True)

    def read(self, key: str) -> bytes:
        return self.container.download_blob(key).readall()

    def names(self, prefix: str) -> list[str]:
        return list(self.container.list_blob_names(name_starts_with=prefix))


class Folder:
    """A folder of this machine, by `file://`."""

    scheme = "file"

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.environment, self.server = folder / BUCKET, {}, None
        self.folder.mkdir()

    def put(self, key: str, data: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def read(self, key: str) -> bytes:
        return (self.folder / key).read_bytes()

    def names(self, prefix: str) -> list[str]:
        files = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
        return sorted(name for name in files if name.startswith(prefix))


KINDS = {kind.scheme: kind for kind in (S3, Azure, Folder)}


def url_of(store: S3 | Azure | Folder) -> str:
    """The URL of a bucket, as `cones find-many` takes it."""
    return f"file://{store.folder}" if isinstance(store, Folder) else f"{store.scheme}://{BUCKET}"


def found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise SystemExit(f"{program} is not on PATH; the head of places.py says where it comes from")
    return path


def put_pictures(store: S3 | Azure | Folder, folders: list[pathlib.Path]) -> None:
    for folder in folders:
        for file in folder.iterdir():
            store.put(f"pictures/{folder.name}/{file.name}", file.read_bytes())


def environment_of(store: S3 | Azure | Folder) -> dict[str, str]:
    """Of a command that works in it. The time of creation is fixed, so that packs can be compared byte for byte."""
    given = {"CONES_BUNDLE": str(ROOT / "models/toybox/bundle"), "SOURCE_DATE_EPOCH": "1700000000"}
    return {**given, **os.environ, **store.environment}
