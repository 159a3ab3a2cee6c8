//! Every command, defined once: its names, flags, words and function.
//!
//! Parsing, `--help` and the complaints about wrong arguments are derived from this table; see `flags` and `help`.

mod apply;
mod change;
mod cluster;
mod delete;
mod explain;
mod get;
mod make;
mod pods;
mod rollout;
mod wait;

use crate::describe;
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Array, Bool, Duration, Int, List, Optional, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::session::Session;

/// The flags that every command has.
pub(crate) static GLOBAL: &[Flag] = &[
    flag(
        "as",
        Text,
        "",
        "Username to impersonate for the operation. User could be a regular user or a service account in a namespace.",
    ),
    flag(
        "cache-dir",
        Text,
        "~/.kube/cache",
        "Default cache directory",
    ),
    flag(
        "cluster",
        Text,
        "",
        "The name of the kubeconfig cluster to use",
    ),
    flag(
        "context",
        Text,
        "",
        "The name of the kubeconfig context to use",
    ),
    flag(
        "insecure-skip-tls-verify",
        Bool,
        "false",
        "If true, the server's certificate will not be checked for validity. This will make your HTTPS connections insecure",
    ),
    flag(
        "kubeconfig",
        Text,
        "",
        "Path to the kubeconfig file to use for CLI requests.",
    ),
    short(
        'n',
        "namespace",
        Text,
        "",
        "If present, the namespace scope for this CLI request",
    ),
    flag(
        "request-timeout",
        Text,
        "0",
        "The length of time to wait before giving up on a single server request. Non-zero values should contain a corresponding time unit (e.g. 1s, 2m, 3h). A value of zero means don't timeout requests.",
    ),
    short(
        's',
        "server",
        Text,
        "",
        "The address and port of the Kubernetes API server",
    ),
    flag(
        "token",
        Text,
        "",
        "Bearer token for authentication to the API server",
    ),
    flag("user", Text, "", "The name of the kubeconfig user to use"),
    short('v', "v", Text, "0", "number for the log level verbosity"),
    flag(
        "warnings-as-errors",
        Bool,
        "false",
        "Treat warnings received from the server as errors and exit with a non-zero exit code",
    ),
];

static FILES: &[Flag] = &[
    short(
        'f',
        "filename",
        List,
        "[]",
        "Filename, directory, or URL to files identifying the resource",
    ),
    short(
        'k',
        "kustomize",
        Text,
        "",
        "Process the kustomization directory. This flag can't be used together with -f or -R.",
    ),
    short(
        'R',
        "recursive",
        Bool,
        "false",
        "Process the directory used in -f, --filename recursively. Useful when you want to manage related manifests organized within the same directory.",
    ),
];
static PRINT: &[Flag] = &[
    short(
        'o',
        "output",
        Text,
        "",
        "Output format. One of: (json, yaml, name, jsonpath, jsonpath-as-json, jsonpath-file).",
    ),
    flag(
        "show-managed-fields",
        Bool,
        "false",
        "If true, keep the managedFields when printing objects in JSON or YAML format.",
    ),
    flag(
        "template",
        Text,
        "",
        "Template string or path to template file to use when -o=go-template, -o=go-template-file.",
    ),
    flag(
        "allow-missing-template-keys",
        Bool,
        "true",
        "If true, ignore any errors in templates when a field or map key is missing in the template.",
    ),
];
static DRY: &[Flag] = &[
    flag(
        "dry-run",
        Optional("unchanged"),
        "none",
        "Must be \"none\", \"server\", or \"client\". If client strategy, only print the object that would be sent, without sending it. If server strategy, submit server-side request without persisting the resource.",
    ),
    flag(
        "field-manager",
        Text,
        "",
        "Name of the manager used to track field ownership.",
    ),
];
static VALIDATE: &[Flag] = &[
    flag(
        "validate",
        Optional("strict"),
        "strict",
        "Must be one of: strict (or true), warn, ignore (or false).",
    ),
    flag(
        "save-config",
        Bool,
        "false",
        "If true, the configuration of current object will be saved in its annotation. Otherwise, the annotation will be unchanged. This flag is useful when you want to perform kubectl apply on this object in the future.",
    ),
];
static SELECT: &[Flag] = &[
    short(
        'l',
        "selector",
        Text,
        "",
        "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.",
    ),
    flag(
        "field-selector",
        Text,
        "",
        "Selector (field query) to filter on, supports '=', '==', and '!='.",
    ),
    short(
        'A',
        "all-namespaces",
        Bool,
        "false",
        "If present, list the requested object(s) across all namespaces.",
    ),
];
static ALL: &[Flag] = &[flag(
    "all",
    Bool,
    "false",
    "Select all resources in the namespace of the specified resource types.",
)];
static STREAMS: &[Flag] = &[
    short(
        'c',
        "container",
        Text,
        "",
        "Container name. If omitted, the annotated or first container is chosen.",
    ),
    short('i', "stdin", Bool, "false", "Pass stdin to the container"),
    short('t', "tty", Bool, "false", "Stdin is a TTY"),
    short(
        'q',
        "quiet",
        Bool,
        "false",
        "Only print output from the remote session",
    ),
    flag(
        "pod-running-timeout",
        Duration,
        "1m0s",
        "The length of time to wait until at least one pod is running",
    ),
];

/// A command without examples, aliases or subcommands.
const fn command(
    name: &'static str,
    about: &'static str,
    usage: &'static str,
    flags: &'static [&'static [Flag]],
    run: crate::flags::Run,
) -> Command {
    Command {
        name,
        aliases: &[],
        about,
        usage,
        examples: "",
        flags,
        subcommands: &[],
        run,
    }
}

const fn family(
    name: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
    subcommands: &'static [Command],
) -> Command {
    Command {
        name,
        aliases,
        about,
        usage: "SUBCOMMAND",
        examples: "",
        flags: &[],
        subcommands,
        run: no_subcommand,
    }
}

/// The usage of a command that the stock client has and this one lacks; its arguments are not looked at.
pub(crate) const ABSENT: &str = "(not in this lab yet)";

const fn absent(name: &'static str, about: &'static str) -> Command {
    Command {
        name,
        aliases: &[],
        about,
        usage: ABSENT,
        examples: "",
        flags: &[],
        subcommands: &[],
        run: not_here,
    }
}

fn no_subcommand(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let words = crate::help::of(&parsed.path);
    session.out(&words)
}

fn not_here(_: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    Err(Fail::not_in_lab(&format!("kubectl {}", parsed.path)))
}

fn create(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.given("filename") {
        return apply::create(session, parsed);
    }
    Err(Fail::usage("create", "must specify one of -f and -k"))
}

/// The groups of `kubectl`'s own help, in its order.
pub(crate) static GROUPS: &[(&str, &[Command])] = &[
    ("Basic Commands (Beginner)", BEGINNER),
    ("Basic Commands (Intermediate)", INTERMEDIATE),
    ("Deploy Commands", DEPLOY),
    ("Cluster Management Commands", MANAGEMENT),
    ("Troubleshooting and Debugging Commands", DEBUGGING),
    ("Advanced Commands", ADVANCED),
    ("Settings Commands", SETTINGS),
    ("Other Commands", OTHER),
];

static BEGINNER: &[Command] = &[
    Command {
        name: "create",
        aliases: &[],
        about: "Create a resource from a file or from stdin",
        usage: "-f FILENAME",
        examples: "  # Create a pod using the data in pod.json\n  kubectl create -f ./pod.json",
        flags: &[FILES, PRINT, DRY, VALIDATE],
        subcommands: CREATE,
        run: create,
    },
    Command {
        name: "expose",
        aliases: &[],
        about: "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
        usage: "(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]",
        examples: "  # Create a service for an nginx deployment, which serves on port 80 and connects to the containers on port 8000\n  kubectl expose deployment nginx --port=80 --target-port=8000",
        flags: &[FILES, PRINT, DRY, EXPOSE],
        subcommands: &[],
        run: make::expose,
    },
    Command {
        name: "run",
        aliases: &[],
        about: "Run a particular image on the cluster",
        usage: "NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--command] -- [COMMAND] [args...]",
        examples: "  # Start a nginx pod\n  kubectl run nginx --image=nginx",
        flags: &[PRINT, DRY, STREAMS, RUN],
        subcommands: &[],
        run: make::run,
    },
    family("set", &[], "Set specific features on objects", SET),
];

static EXPOSE: &[Flag] = &[
    flag(
        "cluster-ip",
        Text,
        "",
        "ClusterIP to be assigned to the service. Leave empty to auto-allocate, or set to 'None' to create a headless service.",
    ),
    flag(
        "external-ip",
        Text,
        "",
        "Additional external IP address (not managed by Kubernetes) to accept for the service. If this IP is routed to a node, the service can be accessed by this IP in addition to its generated service IP.",
    ),
    short(
        'l',
        "labels",
        Text,
        "",
        "Labels to apply to the service created by this call.",
    ),
    flag(
        "load-balancer-ip",
        Text,
        "",
        "IP to assign to the LoadBalancer. If empty, an ephemeral IP will be created and used (cloud-provider specific).",
    ),
    flag("name", Text, "", "The name for the newly created object."),
    flag(
        "port",
        Text,
        "",
        "The port that the service should serve on. Copied from the resource being exposed, if unspecified",
    ),
    flag(
        "protocol",
        Text,
        "",
        "The network protocol for the service to be created. Default is 'TCP'.",
    ),
    flag(
        "selector",
        Text,
        "",
        "A label selector to use for this service. Only equality-based selector requirements are supported. If empty (the default) infer the selector from the replication controller or replica set.)",
    ),
    flag(
        "session-affinity",
        Text,
        "",
        "If non-empty, set the session affinity for the service to this; legal values: 'None', 'ClientIP'",
    ),
    flag(
        "target-port",
        Text,
        "",
        "Name or number for the port on the container that the service should direct traffic to. Optional.",
    ),
    flag(
        "type",
        Text,
        "",
        "Type for this service: ClusterIP, NodePort, LoadBalancer, or ExternalName. Default is 'ClusterIP'.",
    ),
];

static RUN: &[Flag] = &[
    flag(
        "annotations",
        Array,
        "[]",
        "Annotations to apply to the pod.",
    ),
    flag(
        "attach",
        Bool,
        "false",
        "If true, wait for the Pod to start running, and then attach to the Pod as if 'kubectl attach ...' were called.",
    ),
    flag(
        "command",
        Bool,
        "false",
        "If true and extra arguments are present, use them as the 'command' field in the container, rather than the 'args' field which is the default.",
    ),
    flag(
        "env",
        Array,
        "[]",
        "Environment variables to set in the container.",
    ),
    flag(
        "expose",
        Bool,
        "false",
        "If true, create a ClusterIP service associated with the pod. Requires `--port`.",
    ),
    flag("image", Text, "", "The image for the container to run."),
    flag(
        "image-pull-policy",
        Text,
        "",
        "The image pull policy for the container. If left empty, this value will not be specified by the client and defaulted by the server.",
    ),
    short(
        'l',
        "labels",
        Text,
        "",
        "Comma separated labels to apply to the pod. Will override previous values.",
    ),
    flag("port", Text, "", "The port that this container exposes."),
    flag(
        "restart",
        Text,
        "Always",
        "The restart policy for this Pod. Legal values [Always, OnFailure, Never].",
    ),
    flag(
        "rm",
        Bool,
        "false",
        "If true, delete the pod after it exits. Only valid when attaching to the container, e.g. with '--attach' or with '-i/--stdin'.",
    ),
];

static CREATE: &[Command] = &[
    Command {
        aliases: &["cm"],
        ..command(
            "configmap",
            "Create a config map from a local file, directory or literal value",
            "NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
            &[PRINT, DRY, VALIDATE, SOURCES],
            make::config_map,
        )
    },
    Command {
        aliases: &["deploy"],
        ..command(
            "deployment",
            "Create a deployment with the specified name",
            "NAME --image=image -- [COMMAND] [args...]",
            &[PRINT, DRY, VALIDATE, CREATE_DEPLOYMENT],
            make::deployment,
        )
    },
    command(
        "job",
        "Create a job with the specified name",
        "NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]",
        &[PRINT, DRY, VALIDATE, CREATE_JOB],
        make::job,
    ),
    Command {
        aliases: &["ns"],
        ..command(
            "namespace",
            "Create a namespace with the specified name",
            "NAME [--dry-run=server|client|none]",
            &[PRINT, DRY, VALIDATE],
            make::namespace,
        )
    },
    family(
        "secret",
        &[],
        "Create a secret using a specified subcommand",
        CREATE_SECRET,
    ),
    family(
        "service",
        &["svc"],
        "Create a service using a specified subcommand",
        CREATE_SERVICE,
    ),
    Command {
        aliases: &["sa"],
        ..command(
            "serviceaccount",
            "Create a service account with the specified name",
            "NAME [--dry-run=server|client|none]",
            &[PRINT, DRY, VALIDATE],
            make::service_account,
        )
    },
];

static SOURCES: &[Flag] = &[
    flag(
        "append-hash",
        Bool,
        "false",
        "Append a hash of the object to its name.",
    ),
    flag(
        "from-env-file",
        List,
        "[]",
        "Specify the path to a file to read lines of key=val pairs.",
    ),
    flag(
        "from-file",
        List,
        "[]",
        "A file or directory whose content becomes a key's value, as PATH or KEY=PATH.",
    ),
    flag(
        "from-literal",
        Array,
        "[]",
        "Specify a key and literal value to insert (i.e. mykey=somevalue)",
    ),
    flag("type", Text, "", "The type of secret to create"),
];
static CREATE_DEPLOYMENT: &[Flag] = &[
    flag(
        "image",
        List,
        "[]",
        "Image names to run. A deployment can have multiple images set for multiple containers.",
    ),
    flag(
        "port",
        Int,
        "-1",
        "The containerPort that this deployment exposes.",
    ),
    short(
        'r',
        "replicas",
        Int,
        "1",
        "Number of replicas to create. Default is 1.",
    ),
];
static CREATE_JOB: &[Flag] = &[
    flag(
        "from",
        Text,
        "",
        "The name of the resource to create a Job from (only cronjob is supported).",
    ),
    flag("image", Text, "", "Image name to run."),
];
static CREATE_SECRET: &[Command] = &[
    command(
        "generic",
        "Create a secret from a local file, directory, or literal value",
        "NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
        &[PRINT, DRY, VALIDATE, SOURCES],
        make::secret_generic,
    ),
    command(
        "tls",
        "Create a TLS secret",
        "NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]",
        &[PRINT, DRY, VALIDATE, CREATE_TLS],
        make::secret_tls,
    ),
];
static CREATE_TLS: &[Flag] = &[
    flag(
        "cert",
        Text,
        "",
        "Path to PEM encoded public key certificate.",
    ),
    flag(
        "key",
        Text,
        "",
        "Path to private key associated with given certificate.",
    ),
];
static CREATE_SERVICE: &[Command] = &[
    command(
        "clusterip",
        "Create a ClusterIP service",
        "NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]",
        &[PRINT, DRY, VALIDATE, TCP],
        make::service_cluster_ip,
    ),
    command(
        "externalname",
        "Create an ExternalName service",
        "NAME --external-name external.name [--dry-run=server|client|none]",
        &[PRINT, DRY, VALIDATE, TCP],
        make::service_external_name,
    ),
    command(
        "loadbalancer",
        "Create a LoadBalancer service",
        "NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
        &[PRINT, DRY, VALIDATE, TCP],
        make::service_load_balancer,
    ),
    command(
        "nodeport",
        "Create a NodePort service",
        "NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
        &[PRINT, DRY, VALIDATE, TCP],
        make::service_node_port,
    ),
];
static TCP: &[Flag] = &[
    flag(
        "clusterip",
        Text,
        "",
        "Assign your own ClusterIP or set to 'None' for a 'headless' service (no loadbalancing).",
    ),
    flag("external-name", Text, "", "External name of service"),
    flag(
        "node-port",
        Int,
        "0",
        "Port used to expose the service on each node in a cluster.",
    ),
    flag(
        "tcp",
        List,
        "[]",
        "Port pairs can be specified as '<port>:<targetPort>'.",
    ),
];

static SET: &[Command] = &[
    Command {
        aliases: &["im"],
        ..command(
            "image",
            "Update the image of a pod template",
            "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
            &[FILES, PRINT, DRY, SELECT, ALL],
            change::set_image,
        )
    },
    command(
        "env",
        "Update environment variables on a pod template",
        "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
        &[FILES, PRINT, DRY, SELECT, ALL, SET_ENV],
        change::set_env,
    ),
    command(
        "selector",
        "Set the selector on a resource",
        "(-f FILENAME | TYPE NAME) EXPRESSIONS",
        &[FILES, PRINT, DRY, ALL],
        change::set_selector,
    ),
    absent(
        "resources",
        "Update resource requests/limits on objects with pod templates",
    ),
    absent("serviceaccount", "Update the service account of a resource"),
    absent(
        "subject",
        "Update the user, group, or service account in a role binding or cluster role binding",
    ),
];
static SET_ENV: &[Flag] = &[
    flag(
        "from",
        Text,
        "",
        "The name of a resource from which to inject environment variables",
    ),
    flag(
        "list",
        Bool,
        "false",
        "If true, display the environment and any changes in the standard format.",
    ),
];

static INTERMEDIATE: &[Command] = &[
    command(
        "explain",
        "Get documentation for a resource",
        "TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group]",
        &[EXPLAIN],
        explain::run,
    ),
    Command {
        name: "get",
        aliases: &[],
        about: "Display one or many resources",
        usage: "[(-o|--output=)json|yaml|name|jsonpath|jsonpath-as-json|jsonpath-file|custom-columns|custom-columns-file|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]",
        examples: "  # List all pods in ps output format\n  kubectl get pods",
        flags: &[FILES, PRINT, SELECT, GET],
        subcommands: &[],
        run: get::run,
    },
    absent("edit", "Edit a resource on the server"),
    command(
        "delete",
        "Delete resources by file names, stdin, resources and names, or by resources and label selector",
        "([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])",
        &[FILES, PRINT_NAME, DRY, SELECT, ALL, DELETE],
        delete::run,
    ),
];
static EXPLAIN: &[Flag] = &[
    flag(
        "api-version",
        Text,
        "",
        "Use given api-version (group/version) of the resource.",
    ),
    flag(
        "output",
        Text,
        "plaintext",
        "Format in which to render the schema.",
    ),
    flag(
        "recursive",
        Bool,
        "false",
        "When true, print the name of all the fields recursively. Otherwise, print the available fields with their description.",
    ),
];
static GET: &[Flag] = &[
    flag(
        "chunk-size",
        Int,
        "500",
        "Return large lists in chunks rather than all at once. Pass 0 to disable.",
    ),
    flag(
        "ignore-not-found",
        Bool,
        "false",
        "If set to true, suppresses NotFound error for specific objects that do not exist.",
    ),
    short(
        'L',
        "label-columns",
        List,
        "[]",
        "Accepts a comma separated list of labels that are going to be presented as columns.",
    ),
    flag(
        "no-headers",
        Bool,
        "false",
        "When using the default or custom-column output format, don't print headers (default print headers).",
    ),
    flag(
        "output-watch-events",
        Bool,
        "false",
        "Output watch event objects when --watch or --watch-only is used.",
    ),
    flag("raw", Text, "", "Raw URI to request from the server."),
    flag(
        "server-print",
        Bool,
        "true",
        "If true, have the server return the appropriate table output.",
    ),
    flag(
        "show-kind",
        Bool,
        "false",
        "If present, list the resource type for the requested object(s).",
    ),
    flag(
        "show-labels",
        Bool,
        "false",
        "When printing, show all labels as the last column (default hide labels column)",
    ),
    flag(
        "sort-by",
        Text,
        "",
        "If non-empty, sort list types using this field specification.",
    ),
    flag(
        "subresource",
        Text,
        "",
        "If specified, gets the subresource of the requested object.",
    ),
    short(
        'w',
        "watch",
        Bool,
        "false",
        "After listing/getting the requested object, watch for changes.",
    ),
    flag(
        "watch-only",
        Bool,
        "false",
        "Watch for changes to the requested object(s), without listing/getting first.",
    ),
];
static PRINT_NAME: &[Flag] = &[short(
    'o',
    "output",
    Text,
    "",
    "Output mode. Use \"-o name\" for shorter output (resource/name).",
)];
static DELETE: &[Flag] = &[
    flag(
        "cascade",
        Optional("background"),
        "background",
        "Must be \"background\", \"orphan\", or \"foreground\".",
    ),
    flag(
        "force",
        Bool,
        "false",
        "If true, immediately remove resources from API and bypass graceful deletion.",
    ),
    flag(
        "grace-period",
        Int,
        "-1",
        "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative.",
    ),
    flag(
        "ignore-not-found",
        Bool,
        "false",
        "Treat \"resource not found\" as a successful delete.",
    ),
    flag(
        "now",
        Bool,
        "false",
        "If true, resources are signaled for immediate shutdown (same as --grace-period=1).",
    ),
    flag(
        "timeout",
        Duration,
        "0s",
        "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object",
    ),
    flag(
        "wait",
        Bool,
        "true",
        "If true, wait for resources to be gone before returning. This waits for finalizers.",
    ),
];

static DEPLOY: &[Command] = &[
    family("rollout", &[], "Manage the rollout of a resource", ROLLOUT),
    command(
        "scale",
        "Set a new size for a deployment, replica set, or replication controller",
        "[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
        &[FILES, PRINT, DRY, SELECT, ALL, SCALE],
        change::scale,
    ),
    absent(
        "autoscale",
        "Auto-scale a deployment, replica set, stateful set, or replication controller",
    ),
];
static SCALE: &[Flag] = &[
    flag(
        "current-replicas",
        Int,
        "-1",
        "Precondition for current size. Requires that the current size of the resource match this value in order to scale. -1 (default) for no condition.",
    ),
    flag(
        "replicas",
        Int,
        "0",
        "The new desired number of replicas. Required.",
    ),
    flag(
        "timeout",
        Duration,
        "0s",
        "The length of time to wait before giving up on a scale operation, zero means don't wait.",
    ),
];
static ROLLOUT: &[Command] = &[
    command(
        "history",
        "View rollout history",
        "(TYPE NAME | TYPE/NAME) [flags]",
        &[FILES, PRINT, REVISION, SELECT],
        rollout::history,
    ),
    command(
        "pause",
        "Mark the provided resource as paused",
        "RESOURCE",
        &[FILES, PRINT, DRY, SELECT],
        rollout::pause,
    ),
    command(
        "restart",
        "Restart a resource",
        "RESOURCE",
        &[FILES, PRINT, DRY, SELECT],
        rollout::restart,
    ),
    command(
        "resume",
        "Resume a paused resource",
        "RESOURCE",
        &[FILES, PRINT, DRY, SELECT],
        rollout::resume,
    ),
    command(
        "status",
        "Show the status of the rollout",
        "(TYPE NAME | TYPE/NAME) [flags]",
        &[FILES, REVISION, STATUS, SELECT],
        rollout::status,
    ),
    command(
        "undo",
        "Undo a previous rollout",
        "(TYPE NAME | TYPE/NAME) [flags]",
        &[FILES, PRINT, DRY, UNDO, SELECT],
        rollout::undo,
    ),
];
static REVISION: &[Flag] = &[flag(
    "revision",
    Int,
    "0",
    "See the details, including podTemplate of the revision specified",
)];
static STATUS: &[Flag] = &[
    flag(
        "timeout",
        Duration,
        "0s",
        "The length of time to wait before ending watch, zero means never.",
    ),
    short(
        'w',
        "watch",
        Bool,
        "true",
        "Watch the status of the rollout until it's done.",
    ),
];
static UNDO: &[Flag] = &[flag(
    "to-revision",
    Int,
    "0",
    "The revision to rollback to. Default to 0 (last revision).",
)];

static MANAGEMENT: &[Command] = &[
    absent("certificate", "Modify certificate resources"),
    Command {
        subcommands: DUMP,
        ..command(
            "cluster-info",
            "Display cluster information",
            "[flags]",
            &[],
            cluster::info,
        )
    },
    absent("top", "Display resource (CPU/memory) usage"),
    command(
        "cordon",
        "Mark node as unschedulable",
        "NODE",
        &[DRY, SELECT],
        change::cordon,
    ),
    command(
        "uncordon",
        "Mark node as schedulable",
        "NODE",
        &[DRY, SELECT],
        change::uncordon,
    ),
    absent("drain", "Drain node in preparation for maintenance"),
    command(
        "taint",
        "Update the taints on one or more nodes",
        "NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N",
        &[PRINT, DRY, SELECT, ALL, OVERWRITE],
        change::taint,
    ),
];
static DUMP: &[Command] = &[absent(
    "dump",
    "Dump relevant information for debugging and diagnosis",
)];
static OVERWRITE: &[Flag] = &[flag(
    "overwrite",
    Bool,
    "false",
    "If true, allow overwriting, otherwise reject updates that overwrite existing values.",
)];

static DEBUGGING: &[Command] = &[
    Command {
        name: "describe",
        aliases: &[],
        about: "Show details of a specific resource or group of resources",
        usage: "(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
        examples: "  # Describe a node\n  kubectl describe nodes kubernetes-node-emt8.c.myproject.internal",
        flags: &[FILES, SELECT, DESCRIBE],
        subcommands: &[],
        run: describe::run,
    },
    command(
        "logs",
        "Print the logs for a container in a pod",
        "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
        &[LOGS],
        pods::logs,
    ),
    command(
        "attach",
        "Attach to a running container",
        "(POD | TYPE/NAME) -c CONTAINER",
        &[STREAMS],
        pods::attach,
    ),
    command(
        "exec",
        "Execute a command in a container",
        "(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
        &[STREAMS],
        pods::exec,
    ),
    absent("port-forward", "Forward one or more local ports to a pod"),
    absent("proxy", "Run a proxy to the Kubernetes API server"),
    absent("cp", "Copy files and directories to and from containers"),
    family("auth", &[], "Inspect authorization", AUTH),
    absent(
        "debug",
        "Create debugging sessions for troubleshooting workloads and nodes",
    ),
    command(
        "events",
        "List events",
        "[(-o|--output=)json|yaml|name] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]",
        &[EVENTS],
        get::events,
    ),
];
static DESCRIBE: &[Flag] = &[
    flag(
        "chunk-size",
        Int,
        "500",
        "Return large lists in chunks rather than all at once. Pass 0 to disable.",
    ),
    flag(
        "show-events",
        Bool,
        "true",
        "If true, display events related to the described object.",
    ),
];
static LOGS: &[Flag] = &[
    flag(
        "all-containers",
        Bool,
        "false",
        "Get all containers' logs in the pod(s).",
    ),
    flag(
        "all-pods",
        Bool,
        "false",
        "Get logs from all pod(s). Sets prefix to true.",
    ),
    short(
        'c',
        "container",
        Text,
        "",
        "Print the logs of this container",
    ),
    short(
        'f',
        "follow",
        Bool,
        "false",
        "Specify if the logs should be streamed.",
    ),
    flag(
        "limit-bytes",
        Int,
        "0",
        "Maximum bytes of logs to return. Defaults to no limit.",
    ),
    flag(
        "max-log-requests",
        Int,
        "5",
        "Specify maximum number of concurrent logs to follow when using by a selector. Defaults to 5.",
    ),
    flag(
        "prefix",
        Bool,
        "false",
        "Prefix each log line with the log source (pod name and container name)",
    ),
    short(
        'p',
        "previous",
        Bool,
        "false",
        "If true, print the logs for the previous instance of the container in a pod if it exists.",
    ),
    short(
        'l',
        "selector",
        Text,
        "",
        "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.",
    ),
    flag(
        "since",
        Duration,
        "0s",
        "Only return logs newer than a relative duration like 5s, 2m, or 3h. Defaults to all logs.",
    ),
    flag(
        "since-time",
        Text,
        "",
        "Only return logs after a specific date (RFC3339). Defaults to all logs.",
    ),
    flag(
        "tail",
        Int,
        "-1",
        "Lines of recent log file to display. Defaults to -1 with no selector, showing all log lines otherwise 10, if a selector is provided.",
    ),
    flag(
        "timestamps",
        Bool,
        "false",
        "Include timestamps on each line in the log output",
    ),
];
static EVENTS: &[Flag] = &[
    short(
        'A',
        "all-namespaces",
        Bool,
        "false",
        "If present, list the requested object(s) across all namespaces.",
    ),
    flag(
        "for",
        Text,
        "",
        "Filter events to only those pertaining to the specified resource.",
    ),
    flag(
        "no-headers",
        Bool,
        "false",
        "When using the default output format, don't print headers.",
    ),
    flag("types", List, "[]", "Output only events of given types."),
];
static AUTH: &[Command] = &[
    command(
        "can-i",
        "Check whether an action is allowed",
        "VERB [TYPE | TYPE/NAME | NONRESOURCEURL]",
        &[CAN_I],
        cluster::can_i,
    ),
    absent("whoami", "Experimental: Check self subject attributes"),
];
static CAN_I: &[Flag] = &[short(
    'q',
    "quiet",
    Bool,
    "false",
    "If true, suppress output and just return the exit code.",
)];

static ADVANCED: &[Command] = &[
    absent(
        "diff",
        "Diff the live version against a would-be applied version",
    ),
    Command {
        name: "apply",
        aliases: &[],
        about: "Apply a configuration to a resource by file name or stdin",
        usage: "(-f FILENAME | -k DIRECTORY)",
        examples: "  # Apply the configuration in pod.json to a pod\n  kubectl apply -f ./pod.json",
        flags: &[FILES, PRINT, DRY, VALIDATE, SELECT, ALL, APPLY],
        subcommands: &[],
        run: apply::run,
    },
    command(
        "patch",
        "Update fields of a resource",
        "(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
        &[FILES, PRINT, DRY, PATCH],
        change::patch,
    ),
    command(
        "replace",
        "Replace a resource by file name or stdin",
        "-f FILENAME",
        &[FILES, PRINT, DRY, VALIDATE, REPLACE],
        apply::replace,
    ),
    command(
        "wait",
        "Experimental: Wait for a specific condition on one or many resources",
        "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
        &[FILES, PRINT, SELECT, ALL, WAIT],
        wait::run,
    ),
    absent(
        "kustomize",
        "Build a kustomization target from a directory or URL",
    ),
];
static APPLY: &[Flag] = &[
    flag(
        "force",
        Bool,
        "false",
        "If true, immediately remove resources from API and bypass graceful deletion.",
    ),
    flag(
        "force-conflicts",
        Bool,
        "false",
        "If true, server-side apply will force the changes against conflicts.",
    ),
    flag(
        "overwrite",
        Bool,
        "true",
        "Automatically resolve conflicts between the modified and live configuration by using values from the modified configuration",
    ),
    flag(
        "prune",
        Bool,
        "false",
        "Automatically delete resource objects, that do not appear in the configs.",
    ),
    flag(
        "server-side",
        Bool,
        "false",
        "If true, apply runs in the server instead of the client.",
    ),
    flag(
        "wait",
        Bool,
        "false",
        "If true, wait for resources to be gone before returning.",
    ),
];
static PATCH: &[Flag] = &[
    short(
        'p',
        "patch",
        Text,
        "",
        "The patch to be applied to the resource JSON file.",
    ),
    flag(
        "patch-file",
        Text,
        "",
        "A file containing a patch to be applied to the resource.",
    ),
    flag(
        "subresource",
        Text,
        "",
        "If specified, patch will operate on the subresource of the requested object.",
    ),
    flag(
        "type",
        Text,
        "strategic",
        "The type of patch being provided; one of [json merge strategic]",
    ),
];
static REPLACE: &[Flag] = &[flag(
    "force",
    Bool,
    "false",
    "If true, immediately remove resources from API and bypass graceful deletion.",
)];
static WAIT: &[Flag] = &[
    flag(
        "for",
        Text,
        "",
        "The condition to wait on: [create|delete|condition=condition-name[=condition-value]|jsonpath='{JSONPath expression}'=[JSONPath value]].",
    ),
    flag(
        "timeout",
        Duration,
        "30s",
        "The length of time to wait before giving up. Zero means check once and don't wait, negative means wait for a week.",
    ),
];

static SETTINGS: &[Command] = &[
    command(
        "label",
        "Update the labels on a resource",
        "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
        &[FILES, PRINT, DRY, SELECT, ALL, OVERWRITE, LISTING],
        change::label,
    ),
    command(
        "annotate",
        "Update the annotations on a resource",
        "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
        &[FILES, PRINT, DRY, SELECT, ALL, OVERWRITE, LISTING],
        change::annotate,
    ),
    absent(
        "completion",
        "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)",
    ),
];
static LISTING: &[Flag] = &[flag(
    "list",
    Bool,
    "false",
    "If true, display the labels or annotations for a given resource.",
)];

static OTHER: &[Command] = &[
    command(
        "api-resources",
        "Print the supported API resources on the server",
        "[flags]",
        &[API_RESOURCES],
        cluster::api_resources,
    ),
    command(
        "api-versions",
        "Print the supported API versions on the server, in the form of \"group/version\"",
        "",
        &[],
        cluster::api_versions,
    ),
    family("config", &[], "Modify kubeconfig files", CONFIG),
    absent("plugin", "Provides utilities for interacting with plugins"),
    command(
        "version",
        "Print the client and server version information",
        "[flags]",
        &[VERSION],
        cluster::version,
    ),
];
static API_RESOURCES: &[Flag] = &[
    flag(
        "api-group",
        Text,
        "",
        "Limit to resources in the specified API group.",
    ),
    flag(
        "cached",
        Bool,
        "false",
        "Use the cached list of resources if available.",
    ),
    flag(
        "categories",
        List,
        "[]",
        "Limit to resources that belong to the specified categories.",
    ),
    flag(
        "namespaced",
        Bool,
        "true",
        "If false, non-namespaced resources will be returned, otherwise returning namespaced resources by default.",
    ),
    flag(
        "no-headers",
        Bool,
        "false",
        "When using the default or custom-column output format, don't print headers (default print headers).",
    ),
    short(
        'o',
        "output",
        Text,
        "",
        "Output format. One of: (wide, name).",
    ),
    flag(
        "sort-by",
        Text,
        "",
        "If non-empty, sort list of resources using specified field. The field can be either 'name' or 'kind'.",
    ),
    flag(
        "verbs",
        List,
        "[]",
        "Limit to resources that support the specified verbs.",
    ),
];
static VERSION: &[Flag] = &[
    flag(
        "client",
        Bool,
        "false",
        "If true, shows client version only (no server required).",
    ),
    short('o', "output", Text, "", "One of 'yaml' or 'json'."),
];
static CONFIG: &[Command] = &[
    command(
        "current-context",
        "Display the current-context",
        "[flags]",
        &[],
        cluster::config_current_context,
    ),
    command(
        "get-clusters",
        "Display clusters defined in the kubeconfig",
        "[flags]",
        &[],
        cluster::config_get_names,
    ),
    command(
        "get-contexts",
        "Describe one or many contexts",
        "[(-o|--output=)name)]",
        &[GET_CONTEXTS],
        cluster::config_get_contexts,
    ),
    command(
        "get-users",
        "Display users defined in the kubeconfig",
        "[flags]",
        &[],
        cluster::config_get_names,
    ),
    command(
        "set-context",
        "Set a context entry in kubeconfig",
        "[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]",
        &[SET_CONTEXT],
        cluster::config_set_context,
    ),
    Command {
        aliases: &["use"],
        ..command(
            "use-context",
            "Set the current-context in a kubeconfig file",
            "CONTEXT_NAME",
            &[],
            cluster::config_use_context,
        )
    },
    command(
        "view",
        "Display merged kubeconfig settings or a specified kubeconfig file",
        "[flags]",
        &[PRINT, VIEW],
        cluster::config_view,
    ),
    absent(
        "delete-cluster",
        "Delete the specified cluster from the kubeconfig",
    ),
    absent(
        "delete-context",
        "Delete the specified context from the kubeconfig",
    ),
    absent(
        "delete-user",
        "Delete the specified user from the kubeconfig",
    ),
    absent(
        "rename-context",
        "Rename a context from the kubeconfig file",
    ),
    absent("set", "Set an individual value in a kubeconfig file"),
    absent("set-cluster", "Set a cluster entry in kubeconfig"),
    absent("set-credentials", "Set a user entry in kubeconfig"),
    absent("unset", "Unset an individual value in a kubeconfig file"),
];
static GET_CONTEXTS: &[Flag] = &[
    flag(
        "no-headers",
        Bool,
        "false",
        "When using the default or custom-column output format, don't print headers (default print headers).",
    ),
    short('o', "output", Text, "", "Output format. One of: (name)."),
];
static SET_CONTEXT: &[Flag] = &[flag("current", Bool, "false", "Modify the current context")];
static VIEW: &[Flag] = &[
    flag(
        "flatten",
        Bool,
        "false",
        "Flatten the resulting kubeconfig file into self-contained output (useful for creating portable kubeconfig files)",
    ),
    flag(
        "minify",
        Bool,
        "false",
        "Remove all information not used by current-context from the output",
    ),
    flag(
        "raw",
        Bool,
        "false",
        "Display raw byte data and sensitive data",
    ),
];
