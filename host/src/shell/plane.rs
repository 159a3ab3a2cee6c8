//! One cluster of a world as its API server's transport asks it: requests, watches, and the Pods
//! behind logs, exec and port-forward.
//!
//! Never knows HTTP; everything that is the whole world's it asks the [`Shell`] for.

use super::driver::Shell;
use super::{Conversation, Ends, LogOptions, LogReader};
use cluster::{Request, Response, WatchId, WatchPoll};
use runtime::{SpawnError, TerminalSize};
use std::ops::Deref;
use std::rc::Rc;
use std::task::{Context, Poll};
use world::SiteId;

/// A cluster's side of a shell.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    shell: Rc<Shell>,
    site: SiteId,
}

impl Deref for Plane {
    type Target = Rc<Shell>;

    fn deref(&self) -> &Rc<Shell> {
        &self.shell
    }
}

impl Plane {
    /// The control plane of one of the world's clusters.
    pub(crate) fn new(shell: Rc<Shell>, site: SiteId) -> Self {
        Self { shell, site }
    }

    /// That of the cluster that lessons look at.
    pub(crate) fn main(shell: Rc<Shell>) -> Self {
        Self::new(shell, SiteId::MAIN)
    }

    /// Which cluster it is.
    pub(crate) fn site(&self) -> SiteId {
        self.site
    }

    /// Answers a request.
    pub(crate) fn api(&self, request: Request) -> Response {
        self.change(|world, now| world.api_of(self.site, now, request))
    }

    /// The next lines of a watch; `None` at its end.
    pub(crate) fn poll_watch(&self, id: WatchId, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        match self.change(|world, now| world.poll_watch_of(self.site, now, id)) {
            WatchPoll::Lines(lines) => Poll::Ready(Some(lines)),
            WatchPoll::Closed => Poll::Ready(None),
            WatchPoll::Pending => {
                self.wake_when_written(cx.waker());
                Poll::Pending
            }
        }
    }

    /// Ends a watch whose reader is gone.
    pub(crate) fn close_watch(&self, id: WatchId) {
        self.change(|world, _| world.close_watch_of(self.site, id));
    }

    /// The log of a container.
    ///
    /// # Errors
    /// The kubelet's words when there is none.
    pub(crate) fn open_log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        options: LogOptions,
    ) -> Result<LogReader, String> {
        let uid = self
            .uid(namespace, pod)
            .ok_or_else(|| format!("pods {pod:?} not found"))?;
        let log = self
            .containers
            .borrow()
            .log(&uid, container, previous, self.now(), options);
        log.ok_or_else(|| match previous {
            true => format!("previous terminated container {container:?} in pod {pod:?} not found"),
            false => format!(
                "unable to retrieve container logs for container {container:?} in pod {pod:?}"
            ),
        })
    }

    /// Starts a command in a container.
    ///
    /// # Errors
    /// The container runtime's words for why it did not start.
    pub(crate) fn exec(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        argv: Vec<String>,
        stdin: bool,
        tty: Option<TerminalSize>,
    ) -> Result<Conversation, String> {
        let running = self
            .uid(namespace, pod)
            .and_then(|uid| self.containers.borrow().find(&uid, container).cloned());
        let running = running.ok_or_else(|| format!("container not running ({container})"))?;
        running
            .exec(&self.runtime, argv, stdin, tty)
            .map_err(|cause| match cause {
                SpawnError::NotFound => "executable file not found in $PATH".to_owned(),
                other => other.to_string(),
            })
    }

    /// Joins the streams of a container's first process; nothing when it does not run.
    pub(crate) fn attach(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        stdin: bool,
    ) -> Option<Ends> {
        let uid = self.uid(namespace, pod)?;
        let containers = self.containers.borrow();
        Some(containers.find(&uid, container)?.streams.attach(stdin))
    }

    /// The machine of a Pod, while it has one.
    pub(crate) fn pod_host(&self, namespace: &str, pod: &str) -> Option<vnet::HostId> {
        let uid = self.uid(namespace, pod)?;
        self.containers.borrow().host(&uid)
    }

    /// The uid of a Pod.
    fn uid(&self, namespace: &str, pod: &str) -> Option<String> {
        self.look(|world| {
            let store = world.cluster_of(self.site).store();
            let object = store.get("pods", namespace, pod)?;
            Some(object["metadata"]["uid"].as_str()?.to_owned())
        })
    }
}
