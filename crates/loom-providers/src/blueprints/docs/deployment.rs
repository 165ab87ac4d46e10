//! The page on deployment.

use loom_plan::intent::context::literal;
use loom_plan::stack::{Iac, Monitoring, Strategy};

use super::facts::{Environment, Facts, Image, Infrastructure, Need, Pipeline, Source, Variable};
use super::page::{Page, code, code_cell, text, word};
use crate::blueprints::workload::secrets::Keeping;
use crate::naming;

/// The page.
pub(super) fn page(facts: &Facts) -> String {
    let mut page = Page::default();
    page.heading(1, &format!("{}: deployment", text(&facts.title)));
    let rollback = if facts.has_page("rollback") {
        " If a version turns out to be bad, [roll it back](rollback.md)."
    } else {
        ""
    };
    page.block(&format!(
        "How a version of `{}` comes to its environments, and what it needs there.{rollback}",
        facts.service
    ));
    environments(&mut page, facts);
    automatic(&mut page, facts);
    manual(&mut page, facts);
    variables(&mut page, facts);
    infrastructure(&mut page, facts);
    monitoring(&mut page, facts);
    page.finish()
}

/// A link to an artifact's file, whose text is the path.
pub(super) fn link(up: &str, address: &str) -> String {
    format!("[`${{ref:{address}.path}}`]({up}${{ref:{address}.path}})")
}

/// A URL in a table: a link where it is one.
fn url_cell(url: Option<&str>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    match url {
        Some(url) if url.starts_with("http") && url.contains("://") && url.chars().all(plain) => {
            format!("<{url}>")
        }
        Some(url) => code_cell(url),
        None => "none".to_owned(),
    }
}

fn environments(page: &mut Page, facts: &Facts) {
    page.heading(2, "Environments");
    let regions = facts
        .environments
        .iter()
        .any(|environment| environment.region.is_some());
    let mut head = vec!["Environment", "URL"];
    if regions {
        head.push("Region");
    }
    let clusters = facts
        .environments
        .iter()
        .any(|environment| environment.cluster.is_some());
    if clusters {
        head.push("Cluster");
    }
    if facts.workload.is_some() {
        head.push("Namespace");
    }
    head.push("Approval");
    let optional = |value: Option<&str>| value.map_or_else(|| "not set".to_owned(), code_cell);
    let row = |environment: &Environment| {
        let mut row = vec![
            format!("`{}`", environment.name),
            url_cell(environment.url.as_deref()),
        ];
        if regions {
            row.push(optional(environment.region.as_deref()));
        }
        if clusters {
            row.push(optional(environment.cluster.as_deref()));
        }
        if facts.workload.is_some() {
            row.push(code_cell(&environment.namespace));
        }
        row.push(
            if environment.approval {
                "by a person"
            } else {
                "none"
            }
            .to_owned(),
        );
        row
    };
    page.table(
        &head,
        &facts.environments.iter().map(row).collect::<Vec<_>>(),
    );
    if let Some(health) = &facts.health {
        page.block(&literal(&format!(
            "A version is well when {} answers with the status 200.",
            code(health)
        )));
    }
}

fn automatic(page: &mut Page, facts: &Facts) {
    page.heading(2, "Automatic deployment");
    let Some(pipeline) = &facts.pipeline else {
        let by_hand = if facts.workload.is_some() {
            " Deploy it by hand, as below."
        } else {
            ""
        };
        page.block(&format!("There is no pipeline for this service.{by_hand}"));
        return;
    };
    let workflow = link(&facts.up, &format!("github.workflow.{}", pipeline.name));
    page.block(&format!(
        "A push to {} that changes the service starts {workflow}:",
        any_of(&all_branches(facts, pipeline))
    ));
    let image = match &facts.image {
        Image::Built(repository) => {
            format!(
                "One image is built and pushed to {}. All environments get this image, by its digest.",
                code(repository)
            )
        }
        Image::Given(image) => format!(
            "The image {} is taken as it is: it is built elsewhere.",
            code(image)
        ),
    };
    let mut steps = vec![
        "The checks run. If one fails, nothing is deployed.".to_owned(),
        literal(&image),
    ];
    let stages: Vec<&Environment> = stages(facts, pipeline);
    let apart = stages
        .iter()
        .any(|environment| environment.branches.is_some());
    steps.extend(stages.iter().map(|environment| {
        let branches = environment.branches.as_ref().unwrap_or(&pipeline.branches);
        let from = if apart {
            format!(" from {}", any_of(branches))
        } else {
            String::new()
        };
        let approval = if environment.approval {
            ", after a person has approved it"
        } else {
            ""
        };
        format!("It is deployed to `{}`{from}{approval}.", environment.name)
    }));
    page.steps(&steps);
    if pipeline.migrates {
        let running = if facts.ecs { "tasks" } else { "pods" };
        page.block(&format!("Before its {running} are touched, the database of an environment is migrated, by the new image. If that fails, nothing is deployed."));
    }
    let takeover = match facts.strategy {
        _ if facts.ecs => super::ecs::takeover(facts.strategy),
        Strategy::BlueGreen => {
            "In each environment the idle colour gets the image, is waited for and probed; only then does the Service \
             switch to it. The colour that served before goes on running, so that rolling back is one command. If a step \
             fails, nothing is switched, or it is switched back."
        }
        Strategy::Rolling | Strategy::Canary => {
            "In each environment the pods are replaced a few at a time, and none is stopped before its successor is \
             ready. If the rollout does not complete, it is undone."
        }
    };
    page.block(takeover);
    pulling(page, facts);
    settings(page, &stages, pipeline);
}

/// How the cluster comes to the image, where the registry asks who pulls.
fn pulling(page: &mut Page, facts: &Facts) {
    match facts.workload.as_ref().and_then(|workload| workload.pulls.as_ref()) {
        Some((host, Some(secret))) => page.block(&literal(&format!(
            "The cluster pulls the image from {} with the Secret {} of its namespace, which must be there before the first \
             deployment.",
            code(host),
            code(secret)
        ))),
        Some((host, None)) => page.block(&literal(&format!(
            "The cluster pulls the image from {} too: if not everybody may, its nodes must be signed in there, or \
             `pullSecret` of the workload must name a Secret of its namespace.",
            code(host)
        ))),
        None => {}
    }
}

/// What no file of the repository can hold: who approves, and what the pipeline reads.
fn settings(page: &mut Page, stages: &[&Environment], pipeline: &Pipeline) {
    let approved: Vec<String> = stages
        .iter()
        .filter(|it| it.approval)
        .map(|it| format!("`{}`", it.name))
        .collect();
    if approved.is_empty() && pipeline.needs.is_empty() {
        return;
    }
    page.heading(3, "Settings of the repository");
    if !approved.is_empty() {
        page.block(&format!(
            "GitHub asks for the approval only where the environment says so: in the repository's settings, under \
             *Environments*, {} must have required reviewers.",
            approved.join(" and ")
        ));
    }
    if !pipeline.needs.is_empty() {
        page.block("The pipeline reads from there:");
        let row = |need: &Need| {
            let place = need.environment.as_ref().map_or_else(
                || "the repository".to_owned(),
                |name| format!("environment `{name}`"),
            );
            vec![
                format!("`{}`", need.name),
                need.form.to_owned(),
                place,
                need.purpose.to_owned(),
            ]
        };
        page.table(
            &["Name", "Form", "Of", "For"],
            &pipeline.needs.iter().map(row).collect::<Vec<_>>(),
        );
    }
}

/// The environments that the pipeline deploys to, in order.
fn stages<'a>(facts: &'a Facts, pipeline: &Pipeline) -> Vec<&'a Environment> {
    facts
        .environments
        .iter()
        .filter(|environment| pipeline.environments.contains(&environment.name))
        .collect()
}

/// The branches that start the pipeline: its own, and those that an environment has for itself.
pub(super) fn all_branches(facts: &Facts, pipeline: &Pipeline) -> Vec<String> {
    let mut branches = pipeline.branches.clone();
    for branch in stages(facts, pipeline)
        .iter()
        .filter_map(|environment| environment.branches.as_ref())
        .flatten()
    {
        if !branches.contains(branch) {
            branches.push(branch.clone());
        }
    }
    branches
}

/// `a` or `b`, as Markdown.
pub(super) fn any_of(branches: &[String]) -> String {
    literal(
        &branches
            .iter()
            .map(|branch| code(branch))
            .collect::<Vec<_>>()
            .join(" or "),
    )
}

fn manual(page: &mut Page, facts: &Facts) {
    let started = facts.pipeline.as_ref().filter(|pipeline| pipeline.manual);
    let applied = facts.workload.as_ref().zip(facts.main());
    if started.is_none() && applied.is_none() {
        return;
    }
    page.heading(2, "Deployment by hand");
    if let Some(pipeline) = started {
        page.block("The pipeline can be started without a push:");
        let workflow = naming::workflow_path(&pipeline.name);
        let file = workflow.rsplit('/').next().unwrap_or(&workflow);
        let branch = word(pipeline.branches.first().map_or("main", String::as_str));
        page.commands(&[
            format!("gh workflow run {file} --ref {branch}"),
            format!("gh run list --workflow {file} --limit 1"),
        ]);
    }
    let Some((workload, main)) = applied else {
        return;
    };
    let manifest = link(
        &facts.up,
        &format!("kubernetes.manifest.{}[{}]", workload.name, main.name),
    );
    let without = if facts.pipeline.is_some() {
        "Without the pipeline, from"
    } else {
        "From"
    };
    page.block(&format!(
        "{without} the root of a clean checkout. The commands are for `{}`, whose manifest is {manifest}; for another \
         environment change the first line.",
        main.name
    ));
    if matches!(facts.image, Image::Built(_)) {
        page.commands(&ask(
            "Image by its digest (repository@sha256:...)",
            "image",
            "-r",
        ));
    }
    page.commands(&by_hand(facts, main));
    if facts.strategy == Strategy::BlueGreen {
        page.block(&format!(
            "These commands take over the image alone. Where other parts of the manifest changed, or for the very first \
             version, let the pipeline deploy: it applies all of it without switching `{}` too early.",
            facts.service
        ));
    }
    access(page, facts);
}

/// The commands that deploy an image without the pipeline.
fn by_hand(facts: &Facts, main: &Environment) -> Vec<String> {
    let service = &facts.service;
    let mut lines = vec![format!("environment={}", main.name)];
    if facts.strategy == Strategy::BlueGreen {
        lines.extend(colors(facts));
    }
    // a step that fails must keep those behind it from running, also where the block is pasted
    let mut steps = Vec::new();
    if matches!(facts.image, Image::Built(_)) {
        steps.push(format!(
            "(cd \"k8s/$environment\" && kustomize edit set image {service}=\"$image\")"
        ));
    }
    // what the services of an environment share is rendered together: only this one is to be applied
    let own = format!("{}={service}", naming::NAME_LABEL);
    let apply =
        "kubectl --context \"$environment\" apply --kustomize \"k8s/$environment\" --selector";
    match facts.strategy {
        Strategy::BlueGreen => {
            steps.extend([
                format!("{apply} \"{own},{}=$idle\"", naming::COLOR_LABEL),
                format!("kubectl --context \"$environment\" rollout status \"deployment/{service}-$idle\" --timeout 5m"),
            ]);
            steps.push(switch(facts));
        }
        Strategy::Rolling | Strategy::Canary => steps.extend([
            format!("{apply} {own}"),
            format!("kubectl --context \"$environment\" rollout status deployment/{service} --timeout 5m"),
        ]),
    }
    lines.push(steps.join(" &&\n  "));
    if matches!(facts.image, Image::Built(_)) {
        lines.push("git checkout \"k8s/$environment/kustomization.yaml\"".to_owned());
    }
    lines
}

/// The commands that find out which colour serves: `$active`, and `$idle` for the other.
pub(super) fn colors(facts: &Facts) -> Vec<String> {
    let [blue, green] = naming::COLORS;
    let path = naming::COLOR_LABEL.replace('.', "\\.");
    vec![
        format!(
            "active=$(kubectl --context \"$environment\" get service {} --output jsonpath='{{.spec.selector.{path}}}')",
            facts.service
        ),
        format!("if [ \"$active\" = {blue} ]; then idle={green}; else idle={blue}; fi"),
    ]
}

/// The command that lets the idle colour serve.
pub(super) fn switch(facts: &Facts) -> String {
    format!(
        "kubectl --context \"$environment\" patch service {} \\\n    \
         --patch \"{{\\\"spec\\\":{{\\\"selector\\\":{{\\\"{}\\\":\\\"$idle\\\"}}}}}}\"",
        facts.service,
        naming::COLOR_LABEL
    )
}

/// How the kubectl contexts come about that the commands name.
pub(super) fn access(page: &mut Page, facts: &Facts) {
    let made = facts
        .environments
        .iter()
        .all(|environment| environment.access.is_some());
    page.block(if made {
        "The commands take a kubectl context that is called like the environment, with its namespace. To make them:"
    } else {
        "The commands take a kubectl context that is called like the environment. To give each its namespace:"
    });
    let commands = facts.environments.iter().flat_map(|environment| {
        let namespace = format!(
            "kubectl config set-context {} --namespace {}",
            environment.name,
            word(&environment.namespace)
        );
        environment.access.iter().cloned().chain([namespace])
    });
    page.commands(&commands.collect::<Vec<_>>());
}

fn variables(page: &mut Page, facts: &Facts) {
    page.heading(2, "Variables");
    if facts.variables.is_empty() {
        page.block("The service needs none.");
        return;
    }
    let names: Vec<String> = facts
        .environments
        .iter()
        .map(|environment| format!("In `{}`", environment.name))
        .collect();
    let mut head = vec!["Variable", "Secret", "Kept in"];
    head.extend(names.iter().map(String::as_str));
    head.push("Description");
    let rows: Vec<Vec<String>> = facts.variables.iter().map(row).collect();
    page.table(&head, &rows);
    change_secret(page, facts);
}

fn row(variable: &Variable) -> Vec<String> {
    let keeping = variable.sources.iter().find_map(Source::keeping);
    let place = keeping.map_or("loom.yaml", |keeping| manager_name(&keeping.manager));
    let mut row = vec![
        code_cell(&variable.name),
        if keeping.is_some() { "yes" } else { "no" }.to_owned(),
        place.to_owned(),
    ];
    row.extend(variable.sources.iter().map(|source| {
        match source {
            Source::Value(value) => value
                .as_deref()
                .map_or_else(|| "not set".to_owned(), code_cell),
            Source::Secret(keeping) => match &keeping.remote {
                Some((key, Some(property))) => {
                    format!("{}, key {}", code_cell(key), code_cell(property))
                }
                Some((key, None)) => code_cell(key),
                None if keeping.manager == "ci" => code_cell(&keeping.secret),
                None => format!(
                    "{}, key {}",
                    code_cell(&keeping.secret),
                    code_cell(&keeping.key)
                ),
            },
        }
    }));
    // the table as a whole is guarded, so that its cells line up
    row.push(
        variable
            .description
            .as_deref()
            .map_or_else(String::new, |description| {
                text(description).replace("$${", "${")
            }),
    );
    row
}

/// A manager's name for people.
fn manager_name(manager: &str) -> &str {
    match manager {
        "aws-secrets-manager" => "AWS Secrets Manager",
        "gcp-secret-manager" => "GCP Secret Manager",
        "azure-key-vault" => "Azure Key Vault",
        "vault" => "Vault",
        "ci" => "CI secret",
        "existing" => "Kubernetes Secret",
        other => other,
    }
}

/// How the value of a secret is changed, in the environment of the examples.
fn change_secret(page: &mut Page, facts: &Facts) {
    if !facts.variables.iter().any(|variable| {
        variable
            .sources
            .iter()
            .any(|source| source.keeping().is_some())
    }) {
        return;
    }
    page.heading(3, "Change a secret");
    if let (Some(main), true) = (facts.main(), facts.ecs) {
        return change_secret_on_ecs(page, facts, main);
    }
    let (Some(main), true) = (facts.main(), facts.workload.is_some()) else {
        page.block(
            "Write the new value where the table says that it is kept, and deploy again: running processes keep the old one.",
        );
        return;
    };
    let here = secrets_in(facts, main);
    write_example(page, &here, main);
    page.block("Running pods keep the old value until they are replaced:");
    let fetched = here.iter().find(|keeping| keeping.remote.is_some());
    let fetch = fetched.map(|keeping| {
        let secret = &keeping.secret;
        format!("kubectl --context {} annotate externalsecret {secret} force-sync=\"$(date +%s)\" --overwrite", main.name)
    });
    let label = format!("{}={}", naming::NAME_LABEL, facts.service);
    let restart = format!(
        "kubectl --context {} rollout restart deployment --selector {label}",
        main.name
    );
    page.commands(&fetch.into_iter().chain([restart]).collect::<Vec<_>>());
}

fn change_secret_on_ecs(page: &mut Page, facts: &Facts, main: &Environment) {
    write_example(page, &secrets_in(facts, main), main);
    page.block("Running tasks keep the old value until they are replaced:");
    page.commands(&super::ecs::restart(facts, main));
}

/// Where the secrets of an environment are kept.
fn secrets_in<'a>(facts: &'a Facts, main: &Environment) -> Vec<&'a Keeping> {
    let position = facts
        .environments
        .iter()
        .position(|environment| environment.name == main.name)
        .unwrap_or_default();
    facts
        .variables
        .iter()
        .filter_map(|variable| variable.sources.get(position).and_then(Source::keeping))
        .collect()
}

/// How a value is written, by the example of the first that there are commands for.
fn write_example(page: &mut Page, here: &[&Keeping], main: &Environment) {
    match here.iter().find_map(|keeping| write_secret(keeping)) {
        Some((variable, commands)) => {
            page.block(&format!(
                "As an example `{variable}` in `{}`; the other keys of the secret are kept.",
                main.name
            ));
            page.commands(&ask("New value", "value", "-rs"));
            page.commands(&commands);
            page.block(
                "A secret that is new has no value to begin with. Give it an empty one first:",
            );
            page.commands(&[
                "aws secretsmanager put-secret-value --secret-id \"$secret\" --secret-string '{}'"
                    .to_owned(),
            ]);
        }
        None => page.block("Write the new value where the table says that it is kept."),
    }
}

/// The commands that write `$value` to a key of a secret, where the manager has such: the variable
/// and the commands.
fn write_secret(keeping: &Keeping) -> Option<(&str, Vec<String>)> {
    let (key, property) = keeping.remote.as_ref()?;
    let property = property
        .as_ref()
        .filter(|_| keeping.manager == "aws-secrets-manager")?;
    let commands = vec![
        format!("secret={}", word(key)),
        "export value".to_owned(),
        "aws secretsmanager get-secret-value --secret-id \"$secret\" --query SecretString --output text |".to_owned(),
        format!("  jq --arg key {} '.[$key] = env.value' |", word(property)),
        "  aws secretsmanager put-secret-value --secret-id \"$secret\" --secret-string file:///dev/stdin".to_owned(),
    ];
    Some((&keeping.key, commands))
}

/// A command that asks for a value. It stands alone: what is pasted after it would be the answer.
pub(super) fn ask(what: &str, variable: &str, options: &str) -> Vec<String> {
    vec![format!("printf '{what}: ' && read {options} {variable}")]
}

fn infrastructure(page: &mut Page, facts: &Facts) {
    let Some(infrastructure) = facts
        .infrastructure
        .as_ref()
        .filter(|it| it.iac == Iac::Terraform)
    else {
        return;
    };
    page.heading(2, "Infrastructure");
    let components = infrastructure
        .components
        .iter()
        .map(|component| format!("`{component}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let made = if components.is_empty() {
        String::new()
    } else {
        format!(" It makes: {components}.")
    };
    page.block(&format!("Terraform keeps one state for each environment, so that a change of one cannot touch another.{made}"));
    let roots: Vec<&Environment> = facts
        .environments
        .iter()
        .filter(|environment| infrastructure.environments.contains(&environment.name))
        .collect();
    let address = |environment: &Environment| {
        format!("terraform.module.{}[{}]", facts.project, environment.name)
    };
    let items = roots.iter().map(|environment| {
        let state = environment
            .state
            .as_deref()
            .map_or_else(String::new, |state| {
                literal(&format!(", state in {}", code(state)))
            });
        format!(
            "`{}`: {}{state}",
            environment.name,
            link(&facts.up, &address(environment))
        )
    });
    page.bullets(&items.collect::<Vec<_>>());
    bootstrap(page, facts, infrastructure);
    page.block("Read the plan before it is applied: replacing a database loses its data.");
    if let Some(root) = roots
        .iter()
        .rfind(|environment| environment.production)
        .or(roots.last())
    {
        let terraform = format!("terraform -chdir=${{ref:{}.path}}", address(root));
        page.block(&format!(
            "```sh\n{terraform} init\n{terraform} plan -out tfplan\n{terraform} apply tfplan\n```"
        ));
    }
    cluster(page, facts, infrastructure);
}

/// What must be made before the environment's own root can keep its state.
fn bootstrap(page: &mut Page, facts: &Facts, infrastructure: &Infrastructure) {
    if infrastructure.bootstraps.is_empty() {
        return;
    }
    page.block("Before the first time the bucket that keeps the state is made, once for each environment, by a root of its own:");
    let commands = infrastructure.bootstraps.iter().map(|name| {
        let terraform = format!(
            "terraform -chdir=${{ref:terraform.module.{}-bootstrap[{name}].path}}",
            facts.project
        );
        format!("{terraform} init\n{terraform} apply\n")
    });
    page.block(&format!("```sh\n{}```", commands.collect::<String>()));
}

/// What a cluster that is made here needs before the first deployment.
fn cluster(page: &mut Page, facts: &Facts, infrastructure: &Infrastructure) {
    if infrastructure.clusters.is_empty() || facts.workload.is_none() {
        return;
    }
    page.block(
        "A new cluster is reached from inside its network only, unless `cluster.access` of the infrastructure lists more \
         addresses: that goes for you and for the runners of the pipeline. Three programs are installed in it once, under the \
         service accounts that their roles are bound to:",
    );
    page.table(
        &["Program", "Namespace", "Service account", "For"],
        &[
            [
                "AWS Load Balancer Controller",
                "`kube-system`",
                "`aws-load-balancer-controller`",
                "requests to the pods",
            ],
            [
                "External Secrets Operator",
                "`external-secrets`",
                "`external-secrets`",
                "secrets, by the ClusterSecretStore `aws-secrets-manager`",
            ],
            ["Fluent Bit", "`logging`", "`fluent-bit`", "logs"],
        ]
        .map(|row| row.map(str::to_owned).to_vec()),
    );
    page.block(
        "The namespace is made by hand, since the pipeline may work in it and no more, and so is its right to these objects:",
    );
    let covered = |environment: &&Environment| {
        let runs = facts
            .workload
            .as_ref()
            .is_some_and(|workload| workload.environments.contains(&environment.name));
        runs && infrastructure.clusters.contains(&environment.name)
    };
    let commands = facts.environments.iter().filter(covered).map(|environment| {
        let (name, namespace) = (&environment.name, literal(&word(&environment.namespace)));
        format!(
            "kubectl --context {name} apply --filename ${{ref:kubernetes.manifest.namespace[{name}].path}}\n\
             kubectl --context {name} create rolebinding deployers --clusterrole=edit --group=deployers --namespace={namespace}\n"
        )
    });
    page.block(&format!("```sh\n{}```", commands.collect::<String>()));
}

fn monitoring(page: &mut Page, facts: &Facts) {
    if facts.monitoring != Monitoring::Datadog {
        return;
    }
    page.heading(2, "Monitoring");
    let links: Vec<String> = facts
        .environments
        .iter()
        .map(|it| {
            format!(
                "[{0}](https://app.datadoghq.com/apm/services/{1}?env={0})",
                it.name, facts.service
            )
        })
        .collect();
    page.block(&format!(
        "Traffic, errors and latency in Datadog: {}.",
        links.join(", ")
    ));
    alerts(page, facts, &facts.up);
}

/// The alerts, with their files.
pub(super) fn alerts(page: &mut Page, facts: &Facts, up: &str) {
    if facts.alerts.is_empty() {
        return;
    }
    page.block("Alerts:");
    let items = facts.alerts.iter().flat_map(|alert| {
        alert.environments.iter().map(move |environment| {
            let file = link(
                up,
                &format!("datadog.monitor.{}[{environment}]", alert.name),
            );
            format!(
                "`{}` ({} in `{environment}`): {file}",
                alert.name, alert.metric
            )
        })
    });
    page.bullets(&items.collect::<Vec<_>>());
}
