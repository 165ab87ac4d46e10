//! The bound of an alert: a number that is the same wherever it is written.

use loom_plan::diag::{Code, Diagnostic};
use loom_plan::intent::context::Context;
use loom_plan::node::Node;
use loom_plan::shape::milliseconds;
use serde_json::Value as Json;

use super::Metric;

/// A whole number of millionths: of a second for a latency, of one for a share. So 500 ms is
/// written `0.5` and 2 % is written `0.02`, whatever floating point makes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound(i64);

const ONE: i64 = 1_000_000;

impl Bound {
    /// The bound that the alert says; what is wrong with it is reported.
    pub(super) fn read(cx: &mut Context<'_>, metric: Metric) -> Option<Self> {
        let (key, other, example) = match metric {
            Metric::Latency => ("above", "below", "500ms"),
            Metric::ErrorRate => ("above", "below", "2%"),
            Metric::Saturation => ("above", "below", "90%"),
            Metric::Availability => ("below", "above", "90%"),
        };
        if let Some(node) = cx.setting(other) {
            let message = format!(
                "an alert on this metric fires when it is {key} a bound, and this says `{other}`"
            );
            let help = format!("write `{key}: {example}`");
            cx.report(
                Diagnostic::new(Code::BadValue, message)
                    .at(node.span, "")
                    .help(help),
            );
            return None;
        }
        let Some(node) = cx.setting(key) else {
            cx.missing(
                format!("alert.{}.{key}", cx.name()),
                "the bound at which the alert fires",
                &format!("{key}: {example}"),
            );
            return None;
        };
        let found = Self::parse(node, metric);
        if found.is_none() {
            let form = match metric {
                Metric::Latency => "a duration longer than nothing",
                Metric::ErrorRate | Metric::Saturation => "a share of less than 100%",
                Metric::Availability => "a share of more than 0%",
            };
            let message = format!(
                "`{key}`: `{}` is not {form}",
                node.scalar_text().unwrap_or_default()
            );
            cx.report(
                Diagnostic::new(Code::BadValue, message)
                    .at(node.span, "")
                    .help(format!("write `{key}: {example}`")),
            );
        }
        found
    }

    /// `500ms`, `2%` or `0.02`, as the metric asks for it. A bound that could never be crossed is none.
    pub(super) fn parse(node: &Node, metric: Metric) -> Option<Self> {
        let text = node.scalar_text()?;
        let value = match metric {
            Metric::Latency => i64::try_from(milliseconds(&text)?)
                .ok()?
                .checked_mul(1000)?,
            Metric::ErrorRate | Metric::Saturation | Metric::Availability => {
                match text.strip_suffix('%') {
                    Some(percent) => decimal(percent.trim())?.checked_div(100)?,
                    None => decimal(&text)?,
                }
            }
        };
        let sensible = match metric {
            Metric::Latency => value > 0,
            Metric::ErrorRate | Metric::Saturation => (0..ONE).contains(&value),
            Metric::Availability => (1..=ONE).contains(&value),
        };
        sensible.then_some(Self(value))
    }

    /// Where a warning begins: a fifth before the bound is reached.
    pub(super) fn warning(self, metric: Metric) -> Self {
        match metric {
            Metric::Latency | Metric::ErrorRate | Metric::Saturation => Self(self.0 / 5 * 4),
            Metric::Availability => Self(self.0 + (ONE - self.0) / 2),
        }
    }

    /// As it is written in a query: the shortest decimal.
    pub(super) fn text(self) -> String {
        let (whole, rest) = (self.0 / ONE, self.0 % ONE);
        if rest == 0 {
            return whole.to_string();
        }
        format!("{whole}.{}", format!("{rest:06}").trim_end_matches('0'))
    }

    /// The same as a number.
    pub(super) fn json(self) -> Json {
        self.text()
            .parse::<serde_json::Number>()
            .map_or(Json::Null, Json::Number)
    }

    /// As a person says it: `500 ms`, `2 %`.
    pub(super) fn words(self, metric: Metric) -> String {
        match metric {
            Metric::Latency if self.0 < ONE => format!("{} ms", self.0 / 1000),
            Metric::Latency => format!("{} s", self.text()),
            Metric::ErrorRate | Metric::Saturation | Metric::Availability => {
                format!("{} %", Self(self.0 * 100).text())
            }
        }
    }
}

/// A decimal in millionths; digits after the sixth are refused rather than lost.
fn decimal(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(rest) || whole.is_empty() || rest.len() > 6 {
        return None;
    }
    let rest = format!("{rest:0<6}").parse::<i64>().ok()?;
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(ONE)?
        .checked_add(rest)
}
