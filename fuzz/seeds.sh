#!/bin/sh
# Collects the `.hf` files of the repository and the programs of its documents as the first inputs of both fuzz targets.
# Run from the root of the repository.
set -eu
for target in parse graph; do
    seeds=fuzz/corpus/$target
    mkdir -p "$seeds"
    git ls-files '*.hf' | while read -r file; do
        cp "$file" "$seeds/$(echo "$file" | tr / _)"
    done
    for document in docs/*.md; do
        awk -v out="$seeds/$(basename "$document" .md)" '
            /^```hf/ { block++; inside = 1; next }
            /^```/ { inside = 0 }
            inside { print > (out "_" block ".hf") }' "$document"
    done
    # Each file of the tests that is used by others, behind one that uses it.
    for file in $(git ls-files '*.hf'); do
        for name in $(sed -n 's/^mod \([a-z_]*\);.*/\1/p' "$file"); do
            other=$(dirname "$file")/$name.hf
            [ -f "$other" ] && { cat "$file"; echo "// $name.hf"; cat "$other"; } >"$seeds/with_${name}_$(basename "$file")"
        done
    done
done
ls fuzz/corpus/parse | wc -l
