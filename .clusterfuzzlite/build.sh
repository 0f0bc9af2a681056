#!/bin/bash -eu
exec "$SRC/pagemapkit/fuzz/oss-fuzz.sh"
