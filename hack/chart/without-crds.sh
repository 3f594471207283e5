#!/usr/bin/env bash
# Copies the YAML documents of stdin but those of CustomResourceDefinitions, which are long and
# generated.
set -euo pipefail
awk '
  function flush() { if (document != "" && !crd) printf "---\n%s", document; document = ""; crd = 0 }
  /^---$/ { flush(); next }
  /^kind: CustomResourceDefinition$/ { crd = 1 }
  { document = document $0 "\n" }
  END { flush() }
'
