//! The scripts of the deployment.
//!
//! Each reads environment variables and files in `$RUNNER_TEMP`; none holds a text of a person.
//! They run under `bash -eo pipefail`. Manifests are rendered by kustomize, which all services of
//! an environment share, so each script takes out what bears the name of its own service.

/// Signs Docker in to Amazon ECR.
pub(super) const ECR_LOGIN: &str = r#"aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"
"#;

/// Writes the kubeconfig of an Amazon EKS cluster.
pub(super) const CONNECT_EKS: &str = r#"aws eks update-kubeconfig --name "$CLUSTER"
kubectl config set-context --current --namespace "$NAMESPACE"
"#;

/// Takes the kubeconfig of the environment's secrets.
pub(super) const CONNECT_KUBECONFIG: &str = r#"umask 077
printf '%s\n' "$CONFIGURATION" > "$RUNNER_TEMP/kubeconfig"
export KUBECONFIG="$RUNNER_TEMP/kubeconfig"
echo "KUBECONFIG=$KUBECONFIG" >> "$GITHUB_ENV"
kubectl config set-context --current --namespace "$NAMESPACE"
"#;

/// Rolling: the revision that is live, empty before the first deployment.
pub(super) const READ_REVISION: &str = r#"revision=$(kubectl get deployment "$SERVICE" --ignore-not-found --output json |
  jq --raw-output '.metadata.annotations["deployment.kubernetes.io/revision"] // empty')
echo "revision=$revision" >> "$GITHUB_OUTPUT"
"#;

/// Rolling: the objects of the service, with the image by digest.
pub(super) const RENDER: &str = r#"kubectl kustomize "$MANIFESTS" | yq --output-format json '.' | jq --slurp '
  map(select(.kind == "Namespace" or .metadata.labels["app.kubernetes.io/name"] == $ENV.SERVICE))
  | map(
      if .kind == "Deployment" then
        .spec.template.spec.containers |= map(if .name == $ENV.SERVICE then .image = $ENV.IMAGE else . end)
      else . end
    )
  | { apiVersion: "v1", kind: "List", items: . }
' > "$RUNNER_TEMP/manifests.json"
"#;

/// Rolling: applies what was rendered.
pub(super) const APPLY: &str = r#"kubectl apply --filename "$RUNNER_TEMP/manifests.json"
"#;

/// Rolling: waits until every pod is of the new version and well.
pub(super) const WAIT: &str = r#"kubectl rollout status "deployment/$SERVICE" --timeout 10m
"#;

/// Rolling: back to the revision that was live. Does nothing where it still is.
pub(super) const UNDO: &str = r#"if [ -z "$REVISION" ]; then
  echo "This was the first deployment: there is no earlier revision to go back to."
  exit 0
fi
kubectl rollout undo "deployment/$SERVICE" --to-revision "$REVISION"
kubectl rollout status "deployment/$SERVICE" --timeout 10m
"#;

/// Blue-green: which colour is live by the cluster's own Service, and which one is next. Keeps the
/// Service as it is, to switch back to.
pub(super) const READ_COLOR: &str = r#"kubectl get service "$SERVICE" --ignore-not-found --output json > "$RUNNER_TEMP/live-service.json"
live=$(jq --raw-output '.spec.selector["loom.dev/color"] // empty' "$RUNNER_TEMP/live-service.json")
if [ "$live" = blue ]; then
  idle=green other=blue
else
  idle=blue other=green
fi
echo "Live: ${live:-none}. Next: $idle."
echo "idle=$idle" >> "$GITHUB_OUTPUT"
echo "other=$other" >> "$GITHUB_OUTPUT"
"#;

/// Blue-green: the objects of the service without the other colour's, with the image by digest.
/// The Service itself goes to a file of its own: applying it is the switch.
pub(super) const RENDER_COLOR: &str = r#"kubectl kustomize "$MANIFESTS" | yq --output-format json '.' | jq --slurp '
  map(select(.kind == "Namespace" or .metadata.labels["app.kubernetes.io/name"] == $ENV.SERVICE))
  | map(select(.metadata.labels["loom.dev/color"] != $ENV.OTHER))
  | map(
      if .kind == "Deployment" then
        .spec.template.spec.containers |= map(if .name == $ENV.SERVICE then .image = $ENV.IMAGE else . end)
      elif .kind == "Service" and .spec.selector["loom.dev/color"] then
        .spec.selector["loom.dev/color"] = $ENV.IDLE
      else . end
    )
' > "$RUNNER_TEMP/rendered.json"
jq '{ apiVersion: "v1", kind: "List", items: map(select((.kind == "Service" and .metadata.name == $ENV.SERVICE) | not)) }' \
  "$RUNNER_TEMP/rendered.json" > "$RUNNER_TEMP/manifests.json"
jq '{ apiVersion: "v1", kind: "List", items: map(select(.kind == "Service" and .metadata.name == $ENV.SERVICE)) }' \
  "$RUNNER_TEMP/rendered.json" > "$RUNNER_TEMP/service.json"
"#;

/// Blue-green: brings the idle colour up. The live one is not touched.
pub(super) const APPLY_COLOR: &str = r#"kubectl apply --filename "$RUNNER_TEMP/manifests.json"
kubectl rollout status "deployment/$SERVICE-$IDLE" --timeout 10m
"#;

/// Blue-green: asks a pod of the idle colour for its health.
pub(super) const PROBE_COLOR: &str = r#"kubectl port-forward "deployment/$SERVICE-$IDLE" "18080:$PORT" > /dev/null &
forward=$!
trap 'kill "$forward"' EXIT
curl --fail --silent --show-error --max-time 10 --retry 10 --retry-delay 3 --retry-all-errors \
  --output /dev/null "http://127.0.0.1:18080$HEALTH"
"#;

/// Blue-green: the Service selects the new colour.
pub(super) const SWITCH: &str = r#"kubectl apply --filename "$RUNNER_TEMP/service.json"
echo "$IDLE is live."
"#;

/// Blue-green: the Service as it was before, whether or not it was switched.
pub(super) const SWITCH_BACK: &str = r#"if [ ! -s "$RUNNER_TEMP/live-service.json" ]; then
  echo "This was the first deployment: there is no earlier version to go back to."
  exit 0
fi
jq 'del(.metadata.resourceVersion, .status)' "$RUNNER_TEMP/live-service.json" | kubectl replace --filename -
"#;

/// Asks for the health where everybody asks, when the load balancer has had time to see the change.
pub(super) const PROBE_PUBLIC: &str = r#"sleep 15
curl --fail --silent --show-error --location --max-time 10 --retry 12 --retry-delay 5 --retry-all-errors \
  --output /dev/null "$URL$HEALTH"
"#;

/// Runs the migration in the new image, with the variables and secrets of the service's own pods.
/// Its pod bears another name, so that no Service sends requests to it.
pub(super) const MIGRATE: &str = r#"kubectl apply --filename - <<< "$(jq '
  .items |= map(select(.kind as $kind | ["Deployment", "Service", "Ingress", "HorizontalPodAutoscaler"] | index($kind) | not))
' "$RUNNER_TEMP/manifests.json")"
job=$(jq --exit-status '
  [.items[] | select(.kind == "Deployment")] | first
  | {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        generateName: ($ENV.SERVICE + "-migration-"),
        labels: { "app.kubernetes.io/name": ($ENV.SERVICE + "-migration") }
      },
      spec: {
        backoffLimit: 0,
        activeDeadlineSeconds: 900,
        ttlSecondsAfterFinished: 86400,
        template: {
          metadata: {
            labels: (.spec.template.metadata.labels
              | del(.["loom.dev/color"]) | .["app.kubernetes.io/name"] = $ENV.SERVICE + "-migration")
          },
          spec: (.spec.template.spec
            | .restartPolicy = "Never"
            | del(.topologySpreadConstraints, .affinity)
            | .containers |= map(
                select(.name == $ENV.SERVICE)
                | .command = ["/bin/sh", "-c", $ENV.MIGRATE]
                | del(.args, .ports, .startupProbe, .readinessProbe, .livenessProbe, .lifecycle)))
        }
      }
    }
' "$RUNNER_TEMP/manifests.json" | kubectl create --filename - --output name)
while true; do
  state=$(kubectl get "$job" --output json | jq --raw-output '[.status.conditions[]? | select(.status == "True") | .type] | join(" ")')
  case " $state " in
    *" Complete "*) break ;;
    *" Failed "*)
      kubectl logs "$job" --all-containers || true
      echo "::error::The migration failed; nothing was deployed."
      exit 1
      ;;
  esac
  sleep 5
done
kubectl logs "$job" --all-containers
"#;
