#!/bin/sh
# Browser tests need a Chromium and a Chinese font; on Debian as root they are installed, else the one command is told.
set -eu
find_browser() {
    for name in "${ANXIN_CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}
find_font() {
    for font in /usr/share/fonts/opentype/noto/NotoSansCJK-* /usr/share/fonts/truetype/wqy/*; do
        if [ -e "$font" ]; then return 0; fi
    done
    return 1
}
if find_browser && find_font; then exit 0; fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo 'Installing Chromium for the browser tests …'
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null
    exit 0
fi
if find_browser; then exit 0; fi  # a browser without the font: elsewhere fonts lie in other places
echo 'Browser tests need Chromium: sudo apt-get install -y chromium fonts-noto-cjk (or set ANXIN_CHROMIUM)' >&2
exit 1
