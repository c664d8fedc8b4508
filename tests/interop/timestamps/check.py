#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check.py BUILD: timestamps from an authority that is openssl ts behind an HTTP server, and by files; and what openssl ts says of
the timestamps in our bundles."""
import base64
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests/fixtures/timestamps"))
from make import Authority  # noqa: E402

BUILD = pathlib.Path(sys.argv[1]).resolve()
ALWAYS = ("20200101000000Z", "20900101000000Z")
SECRET = "a file that no redirection may fetch"
failures = 0


def check(name: str, right: bool, detail: object = "") -> None:
    global failures
    failures += not right
    print(("ok   " if right else "FAIL ") + name + ("" if right else f": {detail}"))


def run(*arguments, **more) -> subprocess.CompletedProcess:
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=60, **more)


class Server(http.server.BaseHTTPRequestHandler):
    """An authority on /stamp, and every way to be none."""

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # it has heard enough
            pass

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers["Content-Type"]))
        if self.path in ("/stamp", "http://tsa.invalid/stamp"):  # the latter: as a proxy is asked
            self.answer(200, self.server.authority.reply(query, "Stamps"))
        elif self.path == "/stranger":
            self.answer(200, self.server.stranger.reply(query, "Stamps"))
        elif self.path == "/moved":
            self.answer(307, b"", Location="/stamp")
        elif self.path == "/to-file":
            self.answer(302, b"", Location=f"file://{self.server.secret}")
        elif self.path == "/loop":
            self.answer(302, b"", Location="/loop")
        elif self.path == "/broken":
            self.answer(500, b"no")
        elif self.path == "/huge":
            self.answer(200, b"0" * 1000000)
        elif self.path == "/html":
            self.answer(200, b"<html>hello</html>")
        elif self.path == "/replay":  # an answer to another request of the same signature
            again = self.server.authority.query(self.server.signature)
            self.answer(200, self.server.authority.reply(again, "Stamps"))
        elif self.path == "/refuse":
            other = self.server.authority.query(self.server.signature, "sha512")
            self.answer(200, self.server.authority.reply(other, "Stamps"))

    def log_message(self, *_) -> None:
        pass


def bundle(folder: pathlib.Path) -> dict:
    return json.loads((folder / "result.sigstore.json").read_text())


def stamps(folder: pathlib.Path) -> list:
    material = bundle(folder)["verificationMaterial"]
    found = material.get("timestampVerificationData", {}).get("rfc3161Timestamps", [])
    return [base64.b64decode(one["signedTimestamp"]) for one in found]


def lazaret(*arguments) -> subprocess.CompletedProcess:
    return run(BUILD / "lazaret", *arguments)


def accepted(work: pathlib.Path, stamp: bytes, ca: pathlib.Path) -> bool:
    (work / "stamp").write_bytes(stamp)
    return run("openssl", "ts", "-verify", "-in", work / "stamp", "-data", work / "signature", "-CAfile", ca).returncode == 0


def tls_server(work: pathlib.Path) -> http.server.HTTPServer:
    """HTTPS by a certificate that it signed itself."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1",
        "-keyout", work / "tls.key", "-out", work / "tls.pem")
    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work / "tls.pem", work / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def online(work: pathlib.Path, url: str, out: pathlib.Path, ca: pathlib.Path, other: pathlib.Path) -> None:
    done = lazaret("timestamp", out, "--tsa", url + "/stamp", "--tsa-ca", ca)
    check("an authority's timestamp is added", done.returncode == 0 and "by O=Test\\, not trusted,CN=Stamps" in done.stdout,
          done)
    check("openssl ts accepts it", len(stamps(out)) == 1 and accepted(work, stamps(out)[0], ca))
    done = lazaret("timestamp", out, "--tsa", url + "/moved")
    check("a redirection is followed, and the query with it", done.returncode == 0 and len(stamps(out)) == 2, done)
    check("and openssl ts accepts that one too", accepted(work, stamps(out)[-1], ca))
    before = (out / "result.sigstore.json").read_bytes()
    for path, status, words in [
            ("/stranger", 4, "unable to get local issuer certificate"), ("/replay", 4, "another request"),
            ("/refuse", 4, "not granted"), ("/html", 4, "no timestamp response"), ("/broken", 69, "HTTP status 500"),
            ("/huge", 69, "no timestamp"), ("/to-file", 69, "Unsupported protocol"), ("/loop", 69, "redirects")]:
        done = lazaret("timestamp", out, "--tsa", url + path, "--tsa-ca", ca)
        check(f"{path} ends with status {status}", done.returncode == status and words in done.stderr, done)
    for bad in ["file:///etc/hostname", "ftp://127.0.0.1/", "127.0.0.1"]:
        done = lazaret("timestamp", out, "--tsa", bad)
        check(f"{bad} is no authority's URL", done.returncode == 64, done)
    with_tls = tls_server(work)
    done = lazaret("timestamp", out, "--tsa", f"https://127.0.0.1:{with_tls.server_port}/stamp", "--tsa-ca", ca)
    check("a server whose TLS certificate nobody knows", done.returncode == 69 and "certificate" in done.stderr, done)
    check("is not asked", with_tls.seen == [])
    done = lazaret("timestamp", out, "--tsa", "http://127.0.0.1:9/", "--tsa-ca", ca)
    check("an authority that is not there", done.returncode == 69, done)
    done = lazaret("timestamp", out, "--tsa", "http://tsa.invalid/", "--tsa-ca", ca)
    check("a host that has no address", done.returncode == 69, done)
    done = lazaret("timestamp", out, "--tsa", url + "/stamp", "--tsa-ca", other)
    check("another authority's certificates", done.returncode == 4, done)
    check("the bundle is as it was after every failure", (out / "result.sigstore.json").read_bytes() == before)
    done = run(BUILD / "lazaret", "timestamp", out, "--tsa", "http://tsa.invalid/stamp", "--tsa-ca", ca,
               env=dict(os.environ, http_proxy=url))
    check("through a proxy", done.returncode == 0 and len(stamps(out)) == 3, done)


def offline(work: pathlib.Path, authority: Authority, out: pathlib.Path, ca: pathlib.Path, other: pathlib.Path) -> None:
    query, reply = work / "offline.tsq", work / "offline.tsr"
    before = (out / "result.sigstore.json").read_bytes()
    done = lazaret("timestamp", out, "--request", query)
    check("a request is written", done.returncode == 0 and query.stat().st_size > 50, done)
    check("and changes nothing", (out / "result.sigstore.json").read_bytes() == before)
    check("a request never overwrites a file", lazaret("timestamp", out, "--request", query).returncode == 64)
    text = run("openssl", "ts", "-query", "-in", query, "-text").stdout
    check("openssl ts reads it", "Hash Algorithm: sha256" in text and "Certificate required: yes" in text, text)
    reply.write_bytes(authority.reply(query.read_bytes(), "Stamps"))
    done = lazaret("timestamp", out, "--response", reply, "--tsa-ca", other)
    check("a response by another authority is refused", done.returncode == 4 and "offline.tsr" in done.stderr, done)
    done = lazaret("timestamp", out, "--response", reply, "--tsa-ca", ca)
    check("its response is added", done.returncode == 0 and len(stamps(out)) == 4, done)
    check("openssl ts verifies it against the request", run(
        "openssl", "ts", "-verify", "-in", reply, "-queryfile", query, "-CAfile", ca).returncode == 0)
    check("openssl ts verifies it in the bundle", stamps(out)[-1] == reply.read_bytes() and accepted(work, stamps(out)[-1], ca))
    (work / "fifth.tsr").write_bytes(authority.reply(authority.query(work / "signature"), "Stamps"))
    check("there is no place for a fifth", lazaret("timestamp", out, "--response", work / "fifth.tsr").returncode == 64)
    check("the same response a second time", lazaret("timestamp", out, "--response", reply).returncode == 64)
    changed = bytearray(reply.read_bytes())
    changed[changed.index(b"Z\x01\x01") - 1] ^= 1  # the last digit of the time; ordering comes after it
    (work / "changed.tsr").write_bytes(changed)
    check("a response with another time", lazaret("timestamp", out, "--response", work / "changed.tsr").returncode == 4)
    (work / "other").write_bytes(b"something else")
    (work / "wrong.tsr").write_bytes(authority.reply(authority.query(work / "other"), "Stamps"))
    check("a response for something else", lazaret("timestamp", out, "--response", work / "wrong.tsr").returncode == 4)
    bare = bundle(out)
    del bare["verificationMaterial"]["timestampVerificationData"]
    (work / "alone.json").write_text(json.dumps(bare))
    done = run(BUILD / "lazaret", "timestamp", "alone.json", "--response", "fifth.tsr", cwd=work)
    added = json.loads((work / "alone.json").read_text())
    check("a bundle alone, in the current folder", done.returncode == 0 and
          len(added["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]) == 1, done)
    check("no response", lazaret("timestamp", out, "--response", work / "none").returncode == 66)
    (out / "approval-ann.sshsig").write_text("")
    done = lazaret("timestamp", out, "--response", work / "fifth.tsr")
    check("a result with sign-offs, which name the bundle by its digest", done.returncode == 64 and "sign-offs" in done.stderr, done)
    (out / "approval-ann.sshsig").unlink()
    check("nothing to do", lazaret("timestamp", out).returncode == 64)


def evaluated(work: pathlib.Path, url: str, ca: pathlib.Path, other: pathlib.Path) -> None:
    digits, environment = ROOT / "examples/digits", dict(os.environ, LAZARET_STATE=str(work / "state"))
    policy = work / "policy.yaml"
    policy.write_text("tier: low\narithmetic: mul-add\nisolation: [process]\nacceleration: [tcg]\nlabels: false\n"
                      "minimumSamples: 1\nlimits:\n  deadlineSeconds: 60\n  memoryMiB: 512\n  modelMiB: 64\n"
                      "checks:\n  clean-accuracy:\n    required: true\n    bound: lower\n    accuracy: 0.8\n")
    for path, words, count in [("/stamp", "stamped: ", 1), ("/broken", "has no timestamp", 0)]:
        out = work / ("evaluated" + path[1:])
        done = run(BUILD / "lazaret", "evaluate", digits / "clean.onnx", "--test", digits / "test.npz", "--spec",
                   digits / "spec.yaml", "--policy", policy, "--isolation", "process", "--quiet", "--key", work / "key.pem",
                   "--tsa", url + path, "--tsa-ca", ca, "-o", out, env=environment)
        check(f"evaluate --tsa {path} passes", done.returncode == 0 and words in done.stdout + done.stderr, done)
        check(f"with {count} timestamps", len(stamps(out)) == count)
        done = run(BUILD / "lazaret-verify", out, "--key", work / "key.pub.pem")
        check("lazaret-verify finds it whole", done.returncode == 0, done)
        if count > 0:
            done = run(BUILD / "lazaret-verify", out, "--key", work / "key.pub.pem", "--tsa-ca", ca)
            check("and counts the timestamp", done.returncode == 0 and "the signature was there at" in done.stdout, done)
            done = run(BUILD / "lazaret-verify", out, "--key", work / "key.pub.pem", "--tsa-ca", other)
            check("which other certificates do not lead to", done.returncode == 4, done)
    done = run(BUILD / "lazaret", "evaluate", digits / "clean.onnx", "--test", digits / "test.npz", "--isolation", "process",
               "--key", work / "key.pem", "--tsa", url + "/stamp", "--tsa-ca", work / "none.pem", "-o", work / "never",
               env=environment)
    check("a missing --tsa-ca is found out before anything runs", done.returncode == 66 and not (work / "never").exists(), done)


def main() -> int:
    if shutil.which("openssl") is None:
        print("SKIPPED: no openssl program here")
        return 77
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        made = run(BUILD / "tests/make-signed-result", work)
        check("a signed result", made.returncode == 0, made)
        out = work / "out"
        signed = bundle(out)
        (work / "signature").write_bytes(base64.b64decode(signed["dsseEnvelope"]["signatures"][0]["sig"]))
        authority, stranger = Authority(work / "ca", "Root"), Authority(work / "stranger", "Stranger")
        authority.issue("Root", "Stamps", "stamp", *ALWAYS)
        stranger.issue("Stranger", "Stamps", "stamp", *ALWAYS)
        ca, other = work / "ca/Root.pem", work / "stranger/Stranger.pem"
        server = http.server.HTTPServer(("127.0.0.1", 0), Server)
        server.authority, server.stranger, server.signature = authority, stranger, work / "signature"
        server.seen, server.secret = [], work / "secret"
        server.secret.write_text(SECRET)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        online(work, url, out, ca, other)
        check("queries come as application/timestamp-query",
              {kind for _, kind in server.seen} == {"application/timestamp-query"}, server.seen)
        offline(work, authority, out, ca, other)
        after = bundle(out)
        check("no signed byte has changed", after["dsseEnvelope"] == signed["dsseEnvelope"])
        check("nothing but the bundle is in the way", not list(out.glob(".*")))
        evaluated(work, url, ca, other)
        if len(sys.argv) > 2:
            shutil.copytree(work, sys.argv[2])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
