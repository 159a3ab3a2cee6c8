//! `/proc` in a container and on a node. Never looks at a number that the lab does not promise.

use crate::sh::sh;

#[test]
fn the_files_of_proc_say_what_the_lab_knows() {
    let script = "kubectl run web --image=nginx\nkubectl wait --for=condition=Ready pod/web >/dev/null\n\
        in() { kubectl exec web -- sh -c \"$1\"; }\n\
        in 'cat /proc/1/comm /proc/1/cgroup /proc/sys/kernel/ostype /proc/sys/kernel/hostname'\n\
        in 'tr \"\\0\" \" \" < /proc/1/cmdline; echo'\n\
        in 'grep -c processor /proc/cpuinfo; grep MemTotal /proc/meminfo; wc -w < /proc/loadavg'\n\
        in 'cat /proc/sys/net/ipv4/ip_forward; sysctl net.ipv4.ip_forward'\n\
        in 'head -1 /proc/net/route | cut -f1-5; grep -c eth0 /proc/net/dev; sed -n 2p /proc/net/tcp'\n\
        in 'grep -e Name -e PPid /proc/self/status; test \"$(uname -r)\" = \"$(cat /proc/sys/kernel/osrelease)\" && echo same'\n\
        in 'echo 1 > /proc/sys/net/ipv4/ip_forward'; echo $?\n\
        ssh node-1 cat /proc/sys/net/ipv4/ip_forward\n";
    let ran = sh(&[], script);
    let expected = "pod/web created\nnginx\n0::/\nLinux\nweb\n\
        nginx -g daemon off; \n\
        1\nMemTotal:         262144 kB\n5\n\
        0\nnet.ipv4.ip_forward = 0\n\
        Iface\tDestination\tGateway \tFlags\tRefCnt\n1\n\
        \x20  0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000 100 0 0 10 0                         \n\
        Name:\tgrep\nPPid:\t";
    assert!(
        ran.stdout.starts_with(expected),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    assert!(
        ran.stdout.ends_with("same\n1\n1\n"),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    assert!(
        ran.stderr.contains("Read-only file system"),
        "{}",
        ran.stderr
    );
}
