//! The sizes of Fargate, and which of them a service needs.

use loom_plan::addr::Name;
use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::Context;

/// CPU units, and the least, the most and the step of MiB that go with them.
const SIZES: &[(u64, u64, u64, u64)] = &[
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// The smallest task that holds what the service says it may use; says where there is none.
pub(super) fn size(cx: &mut Context<'_>, environment: &Name) -> Option<(u64, u64)> {
    let resources = cx.service().resources(environment);
    let wanted = units(&resources.cpu).zip(mebibytes(&resources.memory));
    let found = wanted.and_then(|(cpu, memory)| smallest(cpu, memory));
    if found.is_none() {
        let message = format!(
            "Fargate has no task with {} CPU and {} of memory, as `{environment}` asks for",
            resources.cpu, resources.memory
        );
        let found =
            Diagnostic::new(Code::BadValue, message).at(cx.service().span(&["resources"]), "");
        cx.report(found.help(
            "write at most 16 CPUs and 120Gi, such as `resources: { cpu: 500m, memory: 1Gi }`",
        ));
    }
    found
}

/// The smallest size that holds both; a size of 256 units has half a gibibyte or a whole number of them.
fn smallest(cpu: u64, memory: u64) -> Option<(u64, u64)> {
    SIZES
        .iter()
        .filter(|(units, _, most, _)| *units >= cpu && *most >= memory)
        .find_map(|(units, least, most, step)| {
            let memory = memory.max(*least).next_multiple_of(*step);
            let memory = if *units == 256 && memory == 1536 {
                2048
            } else {
                memory
            };
            (memory <= *most).then_some((*units, memory))
        })
}

/// `250m` or `0.25` as units, of which a CPU has 1024.
fn units(cpu: &str) -> Option<u64> {
    let millis = match cpu.strip_suffix('m') {
        Some(millis) => millis.parse().ok()?,
        None => thousandths(cpu)?,
    };
    Some(millis.checked_mul(1024)?.div_ceil(1000))
}

/// A decimal number in thousandths.
fn thousandths(number: &str) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part: u64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(part)
}

/// `256Mi`, `1Gi` or a number of bytes as MiB, rounded up.
fn mebibytes(memory: &str) -> Option<u64> {
    let at = memory
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(memory.len());
    let (number, unit) = memory.split_at(at);
    let factor: u64 = match unit {
        "" => 1,
        "k" | "K" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    Some(
        thousandths(number)?
            .checked_mul(factor)?
            .div_ceil(1000)
            .div_ceil(1 << 20),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_the_smallest_that_fargate_has() {
        for (cpu, memory, size) in [
            ("250m", "256Mi", Some((256, 512))),
            ("100m", "1200Mi", Some((256, 2048))),
            ("300m", "256Mi", Some((512, 1024))),
            ("1", "2Gi", Some((1024, 2048))),
            ("0.5", "4500Mi", Some((1024, 5120))),
            ("6", "17Gi", Some((8192, 20_480))),
            ("17", "1Gi", None),
            ("1", "121Gi", None),
            ("much", "1Gi", None),
        ] {
            let found = units(cpu)
                .zip(mebibytes(memory))
                .and_then(|(cpu, memory)| smallest(cpu, memory));
            assert_eq!(found, size, "{cpu} {memory}");
        }
    }
}
