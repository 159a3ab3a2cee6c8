#!/bin/sh
# Upstream's manifests start the controller by this name, with flags that name its class and its
# Service. Here the world knows both, and writes nginx' configuration itself.
exec nginx -c /etc/nginx/ingress/nginx.conf -g 'daemon off;'
