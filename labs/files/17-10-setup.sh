set -e
openssl req -x509 -nodes -days 365 -newkey rsa:2048 -keyout nginx.key -out nginx.crt -subj "/CN=my-nginx" 2>/dev/null
kubectl create secret generic nginxsecret --from-file=nginx.crt --from-file=nginx.key
kubectl create configmap nginxconfigmap --from-file=default.conf
kubectl apply -f nginx-secure-app.yaml
