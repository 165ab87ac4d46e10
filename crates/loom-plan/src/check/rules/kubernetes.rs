//! Objects of Kubernetes.
// tidy: long because it is a list of cases

use super::super::{Document, Format, Rule};
use super::{fields, is_plain_secret, items, text, unpinned};
use crate::diag::Severity::{Error, Warning};
use crate::node::Node;

const FORMAT: Format = Format::Kubernetes;

/// All objects, those in lists too.
fn objects(document: &Document) -> impl Iterator<Item = &Node> {
    document
        .nodes
        .iter()
        .flat_map(|node| match text(node, "kind") {
            Some(kind) if kind.ends_with("List") && node.get("items").is_some() => {
                items(node.get("items"))
            }
            Some(_) | None => std::slice::from_ref(node),
        })
}

fn of_kind<'a>(document: &'a Document, kinds: &'a [&str]) -> impl Iterator<Item = &'a Node> {
    objects(document)
        .filter(|object| text(object, "kind").is_some_and(|kind| kinds.contains(&kind)))
}

/// `Deployment entity-api`
fn name(object: &Node) -> String {
    let name = object
        .at(&["metadata", "name"])
        .or_else(|| object.at(&["metadata", "generateName"]))
        .and_then(Node::as_str);
    format!(
        "{} `{}`",
        text(object, "kind").unwrap_or("object"),
        name.unwrap_or("without a name")
    )
}

/// What runs, and the specification of its pods.
fn pods(document: &Document) -> impl Iterator<Item = (&Node, &Node)> {
    objects(document).filter_map(|object| {
        let spec = match text(object, "kind")? {
            "Pod" => object.get("spec"),
            "CronJob" => object.at(&["spec", "jobTemplate", "spec", "template", "spec"]),
            "PodTemplate" => object.at(&["template", "spec"]),
            // Deployments and all that take after them: what has containers in a template starts pods
            _ => object
                .at(&["spec", "template", "spec"])
                .filter(|spec| spec.get("containers").is_some()),
        };
        Some((object, spec?))
    })
}

/// What runs, its pods, and each of their containers.
fn containers(document: &Document) -> impl Iterator<Item = (&Node, &Node, &Node)> {
    pods(document).flat_map(|(object, pod)| {
        let all = ["containers", "initContainers", "ephemeralContainers"]
            .into_iter()
            .flat_map(|key| items(pod.get(key)));
        all.map(move |container| (object, pod, container))
    })
}

fn container_name(object: &Node, container: &Node) -> String {
    format!(
        "the container `{}` of {}",
        text(container, "name").unwrap_or("without a name"),
        name(object)
    )
}

fn flag(node: &Node, path: &[&str]) -> Option<bool> {
    node.at(path).and_then(Node::as_bool)
}

/// A Deployment around a container and the rest of its pod, for samples.
macro_rules! deployment {
    ($pod:literal, $container:literal) => {
        concat!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n",
            $pod,
            "      containers:\n        - name: api\n",
            $container
        )
    };
}

pub(super) const PRIVILEGED: Rule = Rule {
    code: "LOOM1201",
    severity: Error,
    format: FORMAT,
    area: "non-root containers",
    title: "A container is privileged",
    reason: "a privileged container has the rights of the machine: whoever breaks into it has the node",
    fix: "take `privileged: true` out, and add the one capability that is needed",
    bad: deployment!(
        "",
        "          securityContext:\n            privileged: true\n"
    ),
    good: deployment!(
        "",
        "          securityContext:\n            privileged: false\n"
    ),
    look: |document, hits| {
        for (object, _, container) in containers(document) {
            let is_true = |it: &&Node| it.as_bool() == Some(true);
            let privileged = container.at(&["securityContext", "privileged"]);
            if let Some(node) = privileged.filter(is_true) {
                hits.add(
                    node.span,
                    format!("{} is privileged", container_name(object, container)),
                );
            }
            let added = container.at(&["securityContext", "capabilities", "add"]);
            for node in items(added) {
                let capability = node.as_str().unwrap_or_default().to_ascii_uppercase();
                if matches!(capability.trim_start_matches("CAP_"), "ALL" | "SYS_ADMIN") {
                    hits.add(
                        node.span,
                        format!(
                            "{} has the capability `{capability}`, which is as good as privileged",
                            container_name(object, container)
                        ),
                    );
                }
            }
        }
    },
};

pub(super) const HOST_NAMESPACE: Rule = Rule {
    code: "LOOM1202",
    severity: Error,
    format: FORMAT,
    area: "network exposure",
    title: "A pod shares the network or the processes of its node",
    reason: "it sees the traffic and the processes of every other pod there, and no NetworkPolicy holds it",
    fix: "take `hostNetwork`, `hostPID` and `hostIPC` out, and reach the pod through a Service",
    bad: deployment!("      hostNetwork: true\n", ""),
    good: deployment!("", ""),
    look: |document, hits| {
        for (object, pod) in pods(document) {
            for key in ["hostNetwork", "hostPID", "hostIPC"] {
                if let Some(node) = pod.get(key).filter(|it| it.as_bool() == Some(true)) {
                    hits.add(node.span, format!("{} has `{key}: true`", name(object)));
                }
            }
        }
    },
};

pub(super) const ROOT: Rule = Rule {
    code: "LOOM1203",
    severity: Error,
    format: FORMAT,
    area: "non-root containers",
    title: "A container may run as root",
    reason: "root in a container is root on the node as soon as one hole in the kernel or the runtime is found",
    fix: "write `runAsNonRoot: true` in the `securityContext` of the pod, and a `runAsUser` that is not 0",
    bad: deployment!("", "          image: api:1.4.2\n"),
    good: deployment!(
        "      securityContext:\n        runAsNonRoot: true\n",
        "          image: api:1.4.2\n"
    ),
    look: |document, hits| {
        for (object, pod, container) in containers(document) {
            let of = |key: &str| {
                container
                    .at(&["securityContext", key])
                    .or_else(|| pod.at(&["securityContext", key]))
            };
            let user = of("runAsUser").and_then(Node::as_integer);
            let safe = of("runAsNonRoot").and_then(Node::as_bool) == Some(true)
                || user.is_some_and(|user| user > 0);
            if !safe || user == Some(0) {
                hits.lacks(
                    container.span,
                    format!("{} may run as root", container_name(object, container)),
                );
            }
        }
    },
};

pub(super) const ESCALATION: Rule = Rule {
    code: "LOOM1204",
    severity: Warning,
    format: FORMAT,
    area: "non-root containers",
    title: "A container may gain rights",
    reason: "a program with the set-user-ID bit makes root of a user that was none",
    fix: "write `allowPrivilegeEscalation: false` in the `securityContext` of the container",
    bad: deployment!(
        "",
        "          securityContext:\n            runAsNonRoot: true\n"
    ),
    good: deployment!(
        "",
        "          securityContext:\n            runAsNonRoot: true\n            allowPrivilegeEscalation: false\n"
    ),
    look: |document, hits| {
        for (object, _, container) in containers(document) {
            if flag(container, &["securityContext", "allowPrivilegeEscalation"]) != Some(false) {
                let message = format!(
                    "{} does not say `allowPrivilegeEscalation: false`",
                    container_name(object, container)
                );
                hits.lacks(container.span, message);
            }
        }
    },
};

pub(super) const CAPABILITIES: Rule = Rule {
    code: "LOOM1205",
    severity: Warning,
    format: FORMAT,
    area: "non-root containers",
    title: "A container keeps capabilities that it does not need",
    reason: "the default set lets it open raw sockets and change the owner of files, which is where many break-outs begin",
    fix: "write `capabilities: { drop: [ALL] }` in the `securityContext`, and `add` the one that is needed",
    bad: ESCALATION.bad,
    good: deployment!(
        "",
        "          securityContext:\n            capabilities:\n              drop:\n                - ALL\n"
    ),
    look: |document, hits| {
        for (object, _, container) in containers(document) {
            let capabilities = container.at(&["securityContext", "capabilities"]);
            let dropped = items(capabilities.and_then(|it| it.get("drop")));
            if !dropped
                .iter()
                .any(|it| it.as_str().is_some_and(|it| it.eq_ignore_ascii_case("all")))
            {
                hits.lacks(
                    container.span,
                    format!(
                        "{} does not drop all capabilities",
                        container_name(object, container)
                    ),
                );
            }
        }
    },
};

pub(super) const WRITABLE_ROOT: Rule = Rule {
    code: "LOOM1206",
    severity: Warning,
    format: FORMAT,
    area: "non-root containers",
    title: "A container can change its own programs",
    reason: "whoever breaks in can leave something behind that runs with the next request",
    fix: "write `readOnlyRootFilesystem: true`, and mount an `emptyDir` where the program writes",
    bad: ESCALATION.bad,
    good: deployment!(
        "",
        "          securityContext:\n            readOnlyRootFilesystem: true\n"
    ),
    look: |document, hits| {
        for (object, _, container) in containers(document) {
            if flag(container, &["securityContext", "readOnlyRootFilesystem"]) != Some(true) {
                hits.lacks(
                    container.span,
                    format!(
                        "{} has a root file system that it can write",
                        container_name(object, container)
                    ),
                );
            }
        }
    },
};

pub(super) const UNPINNED_IMAGE: Rule = Rule {
    code: "LOOM1207",
    severity: Error,
    format: FORMAT,
    area: "pinned images and actions",
    title: "A container runs an image without a fixed version",
    reason: "a pod that is started again runs other code than its neighbours, and a rollback rolls nothing back",
    fix: "name the image by a full version or by its digest",
    bad: deployment!("", "          image: registry.example.com/api:latest\n"),
    good: deployment!("", "          image: registry.example.com/api:1.4.2\n"),
    look: |document, hits| {
        for (object, _, container) in containers(document) {
            let node = container.get("image");
            if let Some((node, what)) =
                node.and_then(|node| Some((node, unpinned(node.as_str()?)?)))
            {
                hits.add(node.span, format!("{what}, in {}", name(object)));
            }
        }
    },
};

pub(super) const NO_LIMITS: Rule = Rule {
    code: "LOOM1208",
    severity: Warning,
    format: FORMAT,
    area: "resource limits",
    title: "A container may take all memory of its node",
    reason: "one leak takes the neighbours down with it, and the scheduler cannot know what fits where",
    fix: "write `resources:` with `requests` of CPU and memory and a `limits.memory`; the service's `resources` in loom.yaml sets them",
    bad: deployment!("", "          image: api:1.4.2\n"),
    good: deployment!(
        "",
        "          image: api:1.4.2\n          resources:\n            requests:\n              cpu: 250m\n              memory: 256Mi\n            limits:\n              memory: 256Mi\n"
    ),
    look: |document, hits| {
        for (object, _, container) in containers(document) {
            let lacks = [
                ["requests", "cpu"],
                ["requests", "memory"],
                ["limits", "memory"],
            ];
            let lacks = lacks
                .iter()
                .filter(|[kind, what]| container.at(&["resources", kind, what]).is_none());
            let lacks: Vec<String> = lacks.map(|path| format!("`{}`", path.join("."))).collect();
            if !lacks.is_empty() {
                let message = format!(
                    "{} has no {}",
                    container_name(object, container),
                    lacks.join(", no ")
                );
                hits.lacks(container.span, message);
            }
        }
    },
};

pub(super) const NO_PROBES: Rule = Rule {
    code: "LOOM1209",
    severity: Warning,
    format: FORMAT,
    area: "health checks",
    title: "Nobody asks a container whether it is well",
    reason: "traffic goes to a pod that cannot answer yet, and one that hangs is never started again",
    fix: "write a `readinessProbe` and a `livenessProbe`; the service's `health` in loom.yaml sets both",
    bad: deployment!(
        "",
        "          image: api:1.4.2\n          ports:\n            - containerPort: 3000\n"
    ),
    good: deployment!(
        "",
        "          image: api:1.4.2\n          ports:\n            - containerPort: 3000\n          readinessProbe:\n            httpGet:\n              path: /health\n              port: 3000\n          livenessProbe:\n            httpGet:\n              path: /health\n              port: 3000\n"
    ),
    look: |document, hits| {
        for (object, pod) in pods(document)
            .filter(|(object, _)| !matches!(text(object, "kind"), Some("Job" | "CronJob")))
        {
            for container in items(pod.get("containers"))
                .iter()
                .filter(|it| it.get("ports").is_some())
            {
                for probe in ["readinessProbe", "livenessProbe"]
                    .into_iter()
                    .filter(|probe| container.get(probe).is_none())
                {
                    hits.lacks(
                        container.span,
                        format!("{} has no `{probe}`", container_name(object, container)),
                    );
                }
            }
        }
    },
};

pub(super) const SECRET_DATA: Rule = Rule {
    code: "LOOM1210",
    severity: Error,
    format: FORMAT,
    area: "secrets management",
    title: "A Secret stands in a file of the repository",
    reason: "base64 is no encryption: everybody who can read the repository, now or later, has the value",
    fix: "take the values out, replace them where they were issued, and write an ExternalSecret that refers to a manager",
    bad: "apiVersion: v1\nkind: Secret\nmetadata:\n  name: api\nstringData:\n  LICENCE: not-for-the-repository\n",
    good: "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata:\n  name: api\nspec:\n  target:\n    name: api\n",
    look: |document, hits| {
        for object in of_kind(document, &["Secret"]) {
            for (key, node) in ["data", "stringData"]
                .into_iter()
                .flat_map(|key| fields(object.get(key)))
            {
                if !node.is_null() {
                    hits.add(
                        node.span,
                        format!("{} holds the value of `{key}`", name(object)),
                    );
                }
            }
        }
    },
};

pub(super) const PLAIN_SECRET: Rule = Rule {
    code: "LOOM1211",
    severity: Error,
    format: FORMAT,
    area: "secrets management",
    title: "A secret is a plain variable",
    reason: "everybody who can read the manifest, or list the pods, has the value",
    fix: "write `secret: true` for the variable in loom.yaml, or `valueFrom.secretKeyRef` in the manifest",
    bad: deployment!(
        "",
        "          env:\n            - name: DB_PASSWORD\n              value: hunter-2-hunter\n"
    ),
    good: deployment!(
        "",
        "          env:\n            - name: DB_PASSWORD\n              valueFrom:\n                secretKeyRef:\n                  name: api\n                  key: DB_PASSWORD\n"
    ),
    look: |document, hits| {
        for (object, _, container) in containers(document) {
            for variable in items(container.get("env")) {
                let (Some(name), Some(node)) = (text(variable, "name"), variable.get("value"))
                else {
                    continue;
                };
                if node
                    .as_str()
                    .is_some_and(|value| is_plain_secret(name, value))
                {
                    hits.add(
                        node.span,
                        format!(
                            "{} has the value of `{name}` in plain text",
                            container_name(object, container)
                        ),
                    );
                }
            }
        }
        for object in of_kind(document, &["ConfigMap"]) {
            for (key, node) in fields(object.get("data")) {
                if node
                    .as_str()
                    .is_some_and(|value| is_plain_secret(key, value))
                {
                    hits.add(
                        node.span,
                        format!("{} has the value of `{key}` in plain text", name(object)),
                    );
                }
            }
        }
    },
};

pub(super) const WILDCARD_ROLE: Rule = Rule {
    code: "LOOM1212",
    severity: Error,
    format: FORMAT,
    area: "least-privilege IAM",
    title: "A role may do everything",
    reason: "whoever has the token of one such pod has the cluster, all secrets in it included",
    fix: "name the verbs and the resources that are needed",
    bad: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: api\nrules:\n  - apiGroups: [\"*\"]\n    resources: [\"*\"]\n    verbs: [\"*\"]\n",
    good: "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: api\nrules:\n  - apiGroups: [\"\"]\n    resources: [configmaps]\n    verbs: [get]\n",
    look: |document, hits| {
        let all = |rule: &Node, key: &str| {
            items(rule.get(key))
                .iter()
                .any(|it| it.as_str() == Some("*"))
        };
        for object in of_kind(document, &["Role", "ClusterRole"]) {
            for rule in items(object.get("rules"))
                .iter()
                .filter(|rule| all(rule, "verbs") && all(rule, "resources"))
            {
                hits.add(
                    rule.span,
                    format!("{} allows every verb on every resource", name(object)),
                );
            }
            for rule in items(object.get("rules")) {
                let verbs = items(rule.get("verbs")).iter().filter_map(Node::as_str);
                for verb in
                    verbs.filter(|verb| matches!(*verb, "escalate" | "bind" | "impersonate"))
                {
                    hits.add(
                        rule.span,
                        format!(
                            "{} may `{verb}`, and so give itself every right",
                            name(object)
                        ),
                    );
                }
            }
        }
        for object in of_kind(document, &["RoleBinding", "ClusterRoleBinding"]) {
            if let Some(role) = object
                .at(&["roleRef", "name"])
                .filter(|it| it.as_str() == Some("cluster-admin"))
            {
                hits.add(
                    role.span,
                    format!("{} makes somebody `cluster-admin`", name(object)),
                );
            }
        }
    },
};

pub(super) const PLAIN_INGRESS: Rule = Rule {
    code: "LOOM1213",
    severity: Error,
    format: FORMAT,
    area: "HTTPS",
    title: "An Ingress answers without encryption",
    reason: "passwords and tokens of its users go over the wire as they are",
    fix: "add `tls:` with a host and a secret, or the annotation by which your controller takes a certificate",
    bad: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: api\nspec:\n  rules:\n    - host: api.example.com\n",
    good: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: api\nspec:\n  tls:\n    - hosts: [api.example.com]\n      secretName: api-tls\n  rules:\n    - host: api.example.com\n",
    look: |document, hits| {
        let certificates = [
            "certificate-arn",
            "pre-shared-cert",
            "managed-certificates",
            "ssl-cert",
            "listen-ports",
        ];
        for object in of_kind(document, &["Ingress"]) {
            let mut annotations = fields(object.at(&["metadata", "annotations"]));
            let annotated = annotations.any(|(key, value)| {
                certificates.iter().any(|word| key.ends_with(word))
                    && (!key.ends_with("listen-ports")
                        || value.as_str().is_some_and(|ports| ports.contains("HTTPS")))
            });
            if items(object.at(&["spec", "tls"])).is_empty() && !annotated {
                hits.lacks(object.span, format!("{} has no `tls`", name(object)));
            }
        }
    },
};

pub(super) const EXPOSED_SERVICE: Rule = Rule {
    code: "LOOM1214",
    severity: Warning,
    format: FORMAT,
    area: "network exposure",
    title: "A Service opens a port to everybody",
    reason: "the port is reached from outside past the Ingress, its certificate and its logs",
    fix: "take `type: ClusterIP` and an Ingress, or name who may come in `loadBalancerSourceRanges`",
    bad: "apiVersion: v1\nkind: Service\nmetadata:\n  name: api\nspec:\n  type: LoadBalancer\n  ports:\n    - port: 3000\n",
    good: "apiVersion: v1\nkind: Service\nmetadata:\n  name: api\nspec:\n  type: ClusterIP\n  ports:\n    - port: 3000\n",
    look: |document, hits| {
        for object in of_kind(document, &["Service"]) {
            let external = object.at(&["spec", "externalIPs"]);
            if let Some(node) = external.filter(|node| !items(Some(node)).is_empty()) {
                hits.add(
                    node.span,
                    format!("{} takes in what comes to `externalIPs`", name(object)),
                );
            }
            let Some(kind) = object.at(&["spec", "type"]) else {
                continue;
            };
            let internal = fields(object.at(&["metadata", "annotations"])).any(|(key, value)| {
                let value = value.scalar_text().unwrap_or_default().to_ascii_lowercase();
                (key.contains("internal") && value != "false") || value == "internal"
            });
            let bounded =
                !items(object.at(&["spec", "loadBalancerSourceRanges"])).is_empty() || internal;
            let open = matches!(kind.as_str(), Some("LoadBalancer")) && !bounded
                || kind.as_str() == Some("NodePort");
            if open {
                let kind = kind.as_str().unwrap_or_default();
                hits.add(
                    object.span,
                    format!(
                        "{} has the type `{kind}` and does not say who may reach it",
                        name(object)
                    ),
                );
            }
        }
    },
};

pub(super) const HOST_PATH: Rule = Rule {
    code: "LOOM1215",
    severity: Error,
    format: FORMAT,
    area: "network exposure",
    title: "A pod has a directory of its node",
    reason: "through the files of the node, above all the socket of its container runtime, a pod has the node",
    fix: "take an `emptyDir` or a PersistentVolumeClaim",
    bad: deployment!(
        "      volumes:\n        - name: run\n          hostPath:\n            path: /var/run\n",
        ""
    ),
    good: deployment!(
        "      volumes:\n        - name: run\n          emptyDir: {}\n",
        ""
    ),
    look: |document, hits| {
        for (object, pod) in pods(document) {
            for node in items(pod.get("volumes"))
                .iter()
                .filter_map(|volume| volume.get("hostPath"))
            {
                let path = text(node, "path").unwrap_or_default();
                hits.add(
                    node.span,
                    format!("{} mounts `{path}` of its node", name(object)),
                );
            }
        }
        for object in of_kind(document, &["PersistentVolume"]) {
            if let Some(node) = object.at(&["spec", "hostPath"]) {
                let path = text(node, "path").unwrap_or_default();
                hits.add(
                    node.span,
                    format!("{} is `{path}` of its node", name(object)),
                );
            }
        }
    },
};
