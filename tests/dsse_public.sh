#!/usr/bin/env bash
# A verifier that is not ours takes the envelopes: securesystemslib (the library of TUF and in-toto) verifies the DSSE
# signature with the key that `kakou key public --pem` gives, in-toto-attestation reads the statement, and OpenSSL
# verifies the same signature from the specification's own encoding.
# usage: tests/dsse_public.sh KAKOU DEMO_FOLDER
set -euo pipefail
kakou=$(realpath "$1")
demo=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'securesystemslib[crypto]==1.6.0' 'in-toto-attestation==0.9.3'
"$kakou" key public --pem "$demo/signing.key" > "$work/signer.pem"
release=$(find "$demo/releases" -mindepth 1 -maxdepth 1 -type d | head -n 1)
"$work/venv/bin/python" - "$work/signer.pem" "$release" "$work" << 'PYTHON'
import base64
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.json_format import Parse
from in_toto_attestation.v1.statement import Statement
import in_toto_attestation.v1.statement_pb2 as pb
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

public = load_pem_public_key(open(sys.argv[1], "rb").read())
release = pathlib.Path(sys.argv[2])
work = pathlib.Path(sys.argv[3])
raw = public.public_bytes_raw()
key = SSlibKey.from_crypto(public, keyid=hashlib.sha256(raw).hexdigest())
seen = 0
for path in sorted((release / "record").glob("*.dsse.json")):
    told = json.loads(path.read_text())
    envelope = Envelope.from_dict(json.loads(path.read_text()))
    envelope.verify([key], 1)
    # The same envelope with one bit of its payload changed is refused.
    changed = Envelope.from_dict(json.loads(path.read_text()))
    changed.payload = bytes([changed.payload[0] ^ 1]) + changed.payload[1:]
    try:
        changed.verify([key], 1)
    except VerificationError:
        pass
    else:
        sys.exit(f"{path.name}: a changed payload was accepted")
    statement = Parse(envelope.payload, pb.Statement())
    Statement.copy_from_pb(statement).validate()
    # What the statement says of the files is what they are.
    for subject in statement.subject:
        data = (release / subject.name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == subject.digest["sha256"], subject.name
        assert hashlib.sha3_256(data).hexdigest() == subject.digest["sha3_256"], subject.name
    (work / f"{path.name}.pae").write_bytes(envelope.pae())
    (work / f"{path.name}.sig").write_bytes(base64.b64decode(told["signatures"][0]["sig"]))
    seen += 1
    print(f"{path.name}: {len(statement.subject)} subjects, accepted by securesystemslib and in-toto-attestation")
assert seen == 3, seen
PYTHON
for pae in "$work"/*.pae; do
  openssl pkeyutl -verify -pubin -inkey "$work/signer.pem" -rawin -in "$pae" -sigfile "${pae%.pae}.sig" > /dev/null
done
echo "openssl: $(ls "$work"/*.pae | wc -l) signatures hold"
