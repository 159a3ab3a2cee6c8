//! The images that a cluster can pull: programs, files and defaults.
//!
//! Never pulls anything from outside: what is not listed here is `ErrImagePull`, with the reason.

mod tags;

use anyhow::{Context, Result};
use runtime::{Fs, Handle, Image as Layer, Program};
use std::collections::BTreeMap;

/// The configuration of the HTTPS example's server when none is mounted.
const HTTPS_CONF: &str = include_str!("../../../labs/files/default.conf");
const HTTPS_START: &str = include_str!("images/auto-reload-nginx.sh");
const INGRESS_START: &str = include_str!("images/nginx-ingress-controller.sh");

/// The components that the build script made from `guest-*/`.
mod guests {
    include!(concat!(env!("OUT_DIR"), "/guests.rs"));
}

/// By this the image says which release of nginx it has; the program calls itself by it.
const NGINX_VERSION: &str = "NGINX_VERSION";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const NGINX_CONF: &str = include_str!("../../../guest-nginx/files/nginx.conf");
const MIME_TYPES: &str = include_str!("../../../guest-nginx/files/mime.types");
const DEFAULT_CONF: &str = include_str!("../../../guest-nginx/files/default.conf");
const WELCOME: &str = include_str!("../../../guest-nginx/files/index.html");
const HTTPD_CONF: &str = include_str!("../../../guest-nginx/files/httpd.conf");
const HTTPD_TYPES: &str = include_str!("../../../guest-nginx/files/httpd-mime.types");
const IT_WORKS: &str = include_str!("../../../guest-nginx/files/httpd-index.html");

/// An image as a container runtime holds it.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Its files.
    pub(crate) layer: Layer,
    /// What runs when the Pod gives no `command`.
    pub(crate) entrypoint: Vec<String>,
    /// Its arguments when the Pod gives no `args`.
    pub(crate) cmd: Vec<String>,
    /// Its environment.
    pub(crate) env: Vec<(String, String)>,
    /// Where its program starts.
    pub(crate) working_dir: String,
}

/// A program that a lesson brings: `image: ./my-app.wasm`.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    /// The image as a Pod writes it.
    pub(crate) image: String,
    /// A WASI component.
    pub(crate) bytes: Vec<u8>,
}

/// All built-in images by repository, and the two machines that are no containers.
#[derive(Debug)]
pub(crate) struct Images {
    by_repository: BTreeMap<String, Image>,
    workstation: Image,
    node: Image,
    station: Program,
}

impl Images {
    /// Loads the guest programs and lays out the images; milliseconds, and the time it takes to
    /// compile what a lesson brings.
    ///
    /// # Errors
    /// When a component cannot be compiled or wants what no program here gets.
    pub(crate) fn load(runtime: &Handle, unix_nanos: u64, brought: &[Component]) -> Result<Self> {
        let press = Press {
            shell: program(runtime, "guest-box", guests::BOX)?,
            nginx: program(runtime, "guest-nginx", guests::NGINX)?,
            curl: program(runtime, "guest-curl", guests::CURL)?,
            kubectl: program(runtime, "guest-kubectl", guests::KUBECTL)?,
            openssl: program(runtime, "guest-openssl", guests::OPENSSL)?,
            make: program(runtime, "guest-make", guests::MAKE)?,
            jq: program(runtime, "guest-jq", guests::JQ)?,
            station: program(runtime, "guest-station", guests::STATION)?,
            unix_nanos,
        };
        let mut by_repository = BTreeMap::new();
        let mut add = |name: &str, image| by_repository.insert(name.to_owned(), image);
        add("nginx", press.nginx()?);
        let https = press.nginxhttps()?;
        add("bprashanth/nginxhttps", https.clone());
        add("bprinc/nginxhttps", https);
        add("registry.k8s.io/ingress-nginx/controller", press.ingress()?);
        add("httpd", press.httpd()?);
        add("busybox", press.busybox(false)?);
        add("alpine", press.alpine()?);
        add("radial/busyboxplus", press.busybox(true)?);
        add("curlimages/curl", press.busybox(true)?);
        for component in brought {
            let program = runtime
                .compile(&component.bytes)
                .with_context(|| component.image.clone())?;
            add(repository(&component.image), press.brought(&program)?);
        }
        Ok(Self {
            by_repository,
            workstation: press.machine(true)?,
            node: press.machine(false)?,
            station: press.station.clone(),
        })
    }

    /// The image that a Pod means by `reference` (`nginx`, `docker.io/library/nginx:1.27`).
    pub(crate) fn find(&self, reference: &str) -> Option<Image> {
        let repository = repository(reference);
        let mut image = self.by_repository.get(repository)?.clone();
        if repository == "nginx" {
            let release = tags::nginx_release(reference).to_owned();
            image.env.push((NGINX_VERSION.into(), release));
        }
        Some(image)
    }

    /// What the learner's machine is made of.
    pub(crate) fn workstation(&self) -> &Image {
        &self.workstation
    }

    /// What a machine with a container engine is made of: a plain one with `docker`.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(crate) fn docker_host(&self, unix_nanos: u64) -> Result<Image> {
        let mut image = self.node.clone();
        let fs = Fs::new(&image.layer, unix_nanos);
        fs.put_program("/usr/bin/docker", &self.station)?;
        image.layer = fs.to_image();
        Ok(image)
    }

    /// What a node is made of.
    pub(crate) fn node(&self) -> &Image {
        &self.node
    }

    /// What the cluster is told about them.
    pub(crate) fn inventory(brought: &[Component]) -> Vec<cluster::ImageInfo> {
        let info = |name: String, size_bytes| cluster::ImageInfo { name, size_bytes };
        let theirs = brought
            .iter()
            .map(|component| info(component.image.clone(), component.bytes.len() as u64));
        tags::inventory().chain(theirs).collect()
    }
}

/// Every image that can be pulled, with and without its tag.
pub(crate) fn image_names() -> std::collections::BTreeSet<String> {
    let tagged = Images::inventory(&[]).into_iter().map(|image| image.name);
    tagged
        .flat_map(|name| [repository(&name).to_owned(), name])
        .collect()
}

/// The repository of a reference, without registry, tag and digest, as Docker Hub names it.
fn repository(reference: &str) -> &str {
    let reference = reference.split('@').next().unwrap_or(reference);
    let reference = reference.strip_prefix("docker.io/").unwrap_or(reference);
    let reference = reference.strip_prefix("library/").unwrap_or(reference);
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => reference,
    }
}

fn program(runtime: &Handle, name: &str, code: &'static [u8]) -> Result<Program> {
    runtime
        .load_precompiled(code)
        .with_context(|| format!("the built-in component {name} does not load"))
}

/// Where images are made: the loaded programs, and one function for each image.
struct Press {
    shell: Program,
    nginx: Program,
    curl: Program,
    kubectl: Program,
    openssl: Program,
    make: Program,
    jq: Program,
    station: Program,
    unix_nanos: u64,
}

impl Press {
    /// A root with the folders every image has and `/bin` full of applets.
    fn root(&self) -> Result<Fs> {
        let fs = Fs::empty(self.unix_nanos);
        for folder in [
            "/etc",
            "/root",
            "/home",
            "/tmp",
            "/usr/bin",
            "/usr/sbin",
            "/usr/lib",
            "/usr/local/bin",
            "/lib",
            "/sbin",
            "/opt",
            "/mnt",
            "/srv",
            "/var/lib",
            "/var/tmp",
            "/var/log",
            "/var/run",
        ] {
            fs.mkdir_all(folder)?;
        }
        fs.make_devices()?;
        fs.make_proc()?;
        fs.put_program("/bin/busybox", &self.shell)?;
        // busybox' wget speaks TLS through this helper.
        fs.put_program("/usr/bin/ssl_client", &self.openssl)?;
        for applet in guest_box::names()
            .into_iter()
            .filter(|name| *name != "busybox")
        {
            fs.symlink(&format!("/bin/{applet}"), "/bin/busybox")?;
        }
        fs.write_file(
            "/etc/passwd",
            b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
            0o644,
        )?;
        fs.write_file("/etc/group", b"root:x:0:\nnogroup:x:65534:\n", 0o644)?;
        Ok(fs)
    }

    fn image(&self, fs: &Fs) -> Image {
        Image {
            layer: fs.to_image(),
            entrypoint: Vec::new(),
            cmd: vec!["sh".into()],
            env: vec![("PATH".into(), PATH.into())],
            working_dir: "/".into(),
        }
    }

    fn nginx(&self) -> Result<Image> {
        let mut image = self.image(&self.nginx_root()?);
        image.cmd = ["nginx", "-g", "daemon off;"].map(String::from).into();
        Ok(image)
    }

    /// The server of the HTTPS example: it wants its certificate mounted, and looks for changes
    /// of its configuration now and then.
    fn nginxhttps(&self) -> Result<Image> {
        let fs = self.nginx_root()?;
        fs.write_file(
            "/etc/nginx/conf.d/default.conf",
            HTTPS_CONF.as_bytes(),
            0o644,
        )?;
        fs.write_file("/home/auto-reload-nginx.sh", HTTPS_START.as_bytes(), 0o755)?;
        let mut image = self.image(&fs);
        image.cmd = vec!["/home/auto-reload-nginx.sh".into()];
        Ok(image)
    }

    /// The ingress controller: its nginx; the world writes what follows from the Ingresses.
    fn ingress(&self) -> Result<Image> {
        let fs = self.nginx_root()?;
        fs.write_file("/nginx-ingress-controller", INGRESS_START.as_bytes(), 0o755)?;
        let mut image = self.image(&fs);
        image.cmd = vec!["/nginx-ingress-controller".into()];
        Ok(image)
    }

    fn nginx_root(&self) -> Result<Fs> {
        let fs = self.root()?;
        fs.put_program("/usr/sbin/nginx", &self.nginx)?;
        fs.put_program("/usr/bin/curl", &self.curl)?;
        fs.write_file(
            "/usr/share/nginx/html/index.html",
            WELCOME.as_bytes(),
            0o644,
        )?;
        for (path, text) in [
            ("/etc/nginx/nginx.conf", NGINX_CONF),
            ("/etc/nginx/mime.types", MIME_TYPES),
            ("/etc/nginx/conf.d/default.conf", DEFAULT_CONF),
        ] {
            fs.write_file(path, text.as_bytes(), 0o644)?;
        }
        fs.mkdir_all("/var/log/nginx")?;
        Ok(fs)
    }

    fn httpd(&self) -> Result<Image> {
        let fs = self.root()?;
        fs.put_program("/usr/local/apache2/bin/httpd", &self.nginx)?;
        fs.symlink(
            "/usr/local/bin/httpd-foreground",
            "/usr/local/apache2/bin/httpd",
        )?;
        for (path, text) in [
            ("/usr/local/apache2/conf/httpd.conf", HTTPD_CONF),
            ("/usr/local/apache2/conf/mime.types", HTTPD_TYPES),
            ("/usr/local/apache2/htdocs/index.html", IT_WORKS),
        ] {
            fs.write_file(path, text.as_bytes(), 0o644)?;
        }
        fs.mkdir_all("/usr/local/apache2/logs")?;
        let mut image = self.image(&fs);
        image.cmd = vec!["httpd-foreground".into()];
        image.env = vec![
            ("PATH".into(), format!("/usr/local/apache2/bin:{PATH}")),
            ("HTTPD_PREFIX".into(), "/usr/local/apache2".into()),
        ];
        image.working_dir = "/usr/local/apache2".into();
        Ok(image)
    }

    fn busybox(&self, curl: bool) -> Result<Image> {
        let fs = self.root()?;
        if curl {
            fs.put_program("/usr/bin/curl", &self.curl)?;
        }
        Ok(self.image(&fs))
    }

    fn alpine(&self) -> Result<Image> {
        let fs = self.root()?;
        fs.write_file(
            "/etc/os-release",
            b"NAME=\"Alpine Linux\"\nID=alpine\n",
            0o644,
        )?;
        let mut image = self.image(&fs);
        image.cmd = vec!["/bin/sh".into()];
        Ok(image)
    }

    /// What a lesson brings: its program as the entrypoint, and a shell to look around with.
    fn brought(&self, program: &Program) -> Result<Image> {
        let fs = self.root()?;
        fs.put_program("/app", program)?;
        let mut image = self.image(&fs);
        image.entrypoint = vec!["/app".into()];
        image.cmd = Vec::new();
        Ok(image)
    }

    /// A machine that is no container: nodes have curl, the workstation kubectl and ssh too.
    fn machine(&self, workstation: bool) -> Result<Image> {
        let fs = self.root()?;
        fs.put_program("/usr/bin/curl", &self.curl)?;
        if workstation {
            // Where the documents of the course put their files.
            fs.mkdir_all("/root/environment")?;
            fs.mkdir_all("/d/tmp")?;
            fs.put_program("/usr/local/bin/kubectl", &self.kubectl)?;
            fs.put_program("/usr/bin/openssl", &self.openssl)?;
            fs.put_program("/usr/bin/make", &self.make)?;
            fs.put_program("/usr/bin/jq", &self.jq)?;
            fs.symlink("/usr/bin/yq", "/usr/bin/jq")?;
            fs.put_program("/usr/local/bin/minikube", &self.station)?;
            for tool in ["docker", "git", "ssh"] {
                fs.symlink(&format!("/usr/bin/{tool}"), "/usr/local/bin/minikube")?;
            }
        }
        let mut image = self.image(&fs);
        image.env.push(("HOME".into(), "/root".into()));
        image.working_dir = "/root".into();
        Ok(image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_repository_whatever_the_tag() {
        for reference in [
            "nginx",
            "nginx:1.27",
            "docker.io/library/nginx:latest",
            "nginx@sha256:00",
        ] {
            assert_eq!(repository(reference), "nginx", "{reference}");
        }
        assert_eq!(repository("radial/busyboxplus:curl"), "radial/busyboxplus");
        assert_eq!(repository("localhost:5000/nginx"), "localhost:5000/nginx");
    }
}
