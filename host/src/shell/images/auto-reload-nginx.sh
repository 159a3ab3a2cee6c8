#!/bin/sh
# Serves, and takes in a changed configuration or certificate.
state() { cat /etc/nginx/conf.d/* /etc/nginx/ssl/* 2>/dev/null | md5sum; }
nginx -g 'daemon off;' &
server=$!
trap 'kill -QUIT $server; wait $server; exit' TERM INT
before=$(state)
while kill -0 $server 2>/dev/null; do
    sleep 10 & wait $!
    now=$(state)
    if [ "$now" != "$before" ]; then
        before=$now
        nginx -t -q && nginx -s reload
    fi
done
wait $server
