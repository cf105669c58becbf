#!/bin/bash
# One HTTP request on stdin, the answer of /oms/health on stdout. nginx of OMS, for one page.
IFS=' ' read -r _ path _
while IFS= read -r line && [ "${line%$'\r'}" != '' ]; do :; done
case $path in
/oms/health | /oms/health\?*) exec cat /run/oms/health.http ;;
*) printf 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' ;;
esac
