#!/usr/bin/env bash
# Fails if a file names what only one machine has, a package registry, or is a program: a path under
# a home or work directory, a registry's host, an executable or an object file. Patterns are written
# so that they do not match themselves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
status=0

# names WHAT PATTERN: the lines of text files that have PATTERN, also in files not yet committed.
names() {
  local lines
  if lines=$(git grep --untracked -InE "$2" -- ':!go.sum' ':!**/go.sum'); then
    printf '%s:\n%s\n' "$1" "$lines"
    status=1
  fi
}

names 'paths of one machine' '(^|[^[:alnum:]_.:/-])/(home|root|work|Users)/[[:alnum:]_.-]'
names 'package registries' '(proxy|sum)[.]golang[.]org|goproxy[.](io|cn)|(registry[.]npmjs|files[.]pythonhosted)[.]org|pypi[.]org|index[.]crates[.]io|repo1?[.]maven'
names 'a module proxy of its own' 'GO(PROXY|SUMDB|NOSUMDB|PRIVATE)[=:]'

# A binary file has no text line; of those, the first bytes tell programs of ELF, Mach-O and Windows.
while IFS= read -r file; do
  [[ -s $file ]] || continue
  case $(LC_ALL=C od -An -tx1 -N4 "$file" | tr -d ' \n') in
    7f454c46 | cffaedfe | cefaedfe | cafebabe | 4d5a*)
      printf 'a program: %s\n' "$file"
      status=1
      ;;
  esac
done < <(comm -23 <(git ls-files --cached --others --exclude-standard | LC_ALL=C sort) <(git grep --untracked -lI '' | LC_ALL=C sort))

exit "$status"
