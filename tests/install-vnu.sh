#!/bin/sh
# The Nu HTML Checker (vnu.jar) for the test of the pages' HTML, where Java and npm are; without them that test says so.
set -eu
jar=.venv/vnu.jar version=26.9.27 sum=5970d3ffca91a627cf0965e5d91bb2e4242307c29292998de0b419d6a901b2b7
if [ -n "${ANXIN_VNU:-}" ] || [ -e "$jar" ]; then exit 0; fi
if ! command -v java >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then exit 0; fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo 'Fetching the Nu HTML Checker …'
(cd "$folder" && npm pack --silent "vnu-jar@$version" >/dev/null)
echo "$sum  $folder/vnu-jar-$version.tgz" | sha256sum --check --quiet
tar -xzf "$folder/vnu-jar-$version.tgz" -C "$folder" package/build/dist/vnu.jar
mv "$folder/package/build/dist/vnu.jar" "$jar"
