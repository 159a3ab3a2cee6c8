// What a program with npm's `@kubernetes/client-node` does with a cluster; prints one line for each
// claim. Never looks at what only a lab has. Ends with 1 at the first claim that does not hold.

import { createConnection, createServer } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { once } from 'node:events';
import * as k8s from '@kubernetes/client-node';

const namespace = 'clients-node';
const labels = { app: 'web' };

const deployment = (replicas) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
  },
});

const rolledOut = ({ metadata, spec, status }) =>
  (status?.observedGeneration ?? 0) >= metadata.generation &&
  status.updatedReplicas === spec.replicas &&
  status.availableReplicas === spec.replicas &&
  status.replicas === spec.replicas;

const claim = (text, holds) => {
  console.log((holds ? 'ok   ' : 'FAIL ') + text);
  if (!holds) process.exit(1);
};

// A test that hangs is a test that fails.
setTimeout(() => claim('ends within two minutes', false), 120_000).unref();

const config = new k8s.KubeConfig();
config.loadFromFile(process.argv[2]);
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);

const untilRolledOut = (resourceVersion) =>
  new Promise((resolve, reject) => {
    const kinds = new Set();
    let request;
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    request = new k8s.Watch(config).watch(
      path,
      { resourceVersion },
      (kind, object) => {
        kinds.add(kind);
        if (rolledOut(object)) {
          resolve(kinds);
          request.then((controller) => controller.abort());
        }
      },
      reject,
    );
  });

const words = async (stream) => {
  let text = '';
  for await (const piece of stream) text += piece;
  return text;
};

await core.createNamespace({ body: { metadata: { name: namespace } } });
const nodes = await core.listNode();
claim('lists nodes', nodes.items.length > 0 && !!nodes.items[0].status.nodeInfo.kubeletVersion);

const created = await apps.createNamespacedDeployment({ namespace, body: deployment(2) });
await untilRolledOut(created.metadata.resourceVersion);
claim('watches a deployment until it is rolled out', true);

const informed = new Map();
const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () =>
  core.listNamespacedPod({ namespace }),
);
informer.on('add', (pod) => informed.set(pod.metadata.name, pod));
informer.on('delete', (pod) => informed.delete(pod.metadata.name));
await informer.start();
claim('informs itself of pods', informed.size === 2);

const before = new Set(informed.keys());
const patched = await apps.patchNamespacedDeployment(
  {
    namespace,
    name: 'web',
    body: { spec: { template: { metadata: { annotations: { again: '1' } } } } },
  },
  k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.StrategicMergePatch),
);
claim('patches strategically', patched.spec.template.spec.containers[0].image === 'nginx');
const kinds = await untilRolledOut(patched.metadata.resourceVersion);
claim('watches through a rolling update', kinds.size === 1 && kinds.has('MODIFIED'));
const pods = (await core.listNamespacedPod({ namespace, labelSelector: 'app=web' })).items.filter(
  (pod) => !pod.metadata.deletionTimestamp,
);
claim('sees other pods afterwards', pods.every((pod) => !before.has(pod.metadata.name)));
await informer.stop();

const pod = pods[0].metadata.name;
const exec = (command, input) =>
  new Promise((resolve, reject) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const said = Promise.all([words(stdout), words(stderr)]);
    const done = async (status) => {
      stdout.end();
      stderr.end();
      resolve([...(await said), status]);
    };
    new k8s.Exec(config)
      .exec(namespace, pod, 'web', command, stdout, stderr, input ?? null, false, done)
      .catch(reject);
  });
const [out, err, success] = await exec(['sh', '-c', 'echo out; echo err >&2']);
claim('executes a command', out === 'out\n' && err === 'err\n' && success.status === 'Success');
const [heard, , failure] = await exec(
  ['sh', '-c', 'read line; echo "heard $line"; exit 3'],
  Readable.from(['hello\n']),
);
claim(
  'talks to a command and learns its exit code',
  heard === 'heard hello\n' && failure.details.causes[0].message === '3',
);

const forward = new k8s.PortForward(config);
const server = createServer((socket) => forward.portForward(namespace, pod, [80], socket, null, socket));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const socket = createConnection(server.address().port, '127.0.0.1');
socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
let page = '';
for await (const piece of socket) {
  page += piece;
  if (page.includes('</html>')) break;
}
claim('forwards a port', page.includes('Welcome to nginx!'));
server.close();

const lines = new PassThrough();
const reading = words(lines);
await new k8s.Log(config).log(namespace, pod, 'web', lines, { tailLines: 1 });
claim('reads a log', (await reading).includes('GET / HTTP/1.1'));

const applied = await objects.patch(
  deployment(3),
  undefined,
  undefined,
  'node',
  true,
  k8s.PatchStrategy.ServerSideApply,
);
const managers = (applied.metadata.managedFields ?? []).map((entry) => entry.manager);
claim('applies on the server', applied.spec.replicas === 3 && managers.includes('node'));

const missing = await core.readNamespacedPod({ namespace, name: 'none' }).catch((refusal) => refusal);
claim('is told what is not there', missing.code === 404 && String(missing.body).includes('not found'));
await core.deleteNamespace({ name: namespace });
process.exit(0);
