"""The compression of an export's file: gzip or Zstandard, by the last suffix of its name.

Zstandard comes from pyarrow, the library of the extra ``parquet``.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from marketo_async.bulk.arrow_extra import need_pyarrow

_GZIP, _ZSTD = ".gz", ".zst"
_LEVEL = 6  # of gzip: most of the gain, at a third of the time of the highest


def plain(path: Path) -> Path:
    """Return a path without the suffix of a compression."""
    return path.with_suffix("") if is_compressed(path) else path


def is_compressed(path: Path) -> bool:
    """Return whether the name of a file asks for compression."""
    return path.suffix.lower() in {_GZIP, _ZSTD}


def check_compression(path: Path) -> None:
    """Raise `ConfigurationError` if the library of a compression is missing."""
    if path.suffix.lower() == _ZSTD:
        need_pyarrow(".zst", ", or end the name in .gz")


@contextmanager
def compressing(file: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that compresses into ``file`` as the name of ``path`` asks; ``file`` itself if it does not."""
    match path.suffix.lower():
        case ".gz":
            # Without a time, the same rows make the same bytes.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0) as packed:
                yield cast("IO[bytes]", packed)
        case ".zst":
            # pyarrow closes the file that it writes to, which must stay open for its sync.
            import pyarrow as pa  # noqa: PLC0415 - an extra

            with os.fdopen(os.dup(file.fileno()), "wb") as own, pa.CompressedOutputStream(own, "zstd") as packed:
                yield packed
        case _:
            yield file
