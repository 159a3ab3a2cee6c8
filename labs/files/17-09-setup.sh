set -e
openssl req -x509 -nodes -days 365 -newkey rsa:2048 -keyout nginx.key -out nginx.crt -subj "/CN=nginxsvc/O=nginxsvc" 2>/dev/null
kubectl create secret tls nginxsecret --key nginx.key --cert nginx.crt
kubectl create configmap nginxconfigmap --from-file=default.conf
kubectl apply -f nginx-secure-app.yaml
kubectl apply -f curlpod.yaml
