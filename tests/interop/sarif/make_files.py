# SPDX-License-Identifier: Apache-2.0
"""make_files.py FOLDER: files of every verdict, under names that URIs have to escape."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "vm" / "scan"))
import malicious  # noqa: E402

folder = pathlib.Path(sys.argv[1])
folder.mkdir()
FILES = {"evil.pkl": malicious.call("os", "system", "id"), "own class.pkl": malicious.unknown(),
         "plain.pkl": malicious.harmless(), "noise%2f.bin": b"\0\1" * 500, "empty": b"",
         "a:b#c?d.zip": malicious.in_zip(data=malicious.call("builtins", "eval", "1"))}
for name, content in FILES.items():
    (folder / name).write_bytes(content)
(folder / os.fsdecode(b"\xff\xfe name")).write_bytes(malicious.harmless())
os.symlink("/etc/passwd", folder / "link")
