//! Networks that stand for everybody, however they are written.
//!
//! In: addresses with prefixes. Out: whether so much of the internet is meant that it is everybody: two
//! halves are as much as the whole.

use std::net::{Ipv4Addr, Ipv6Addr};

/// How many addresses of IPv4 are everybody: an eighth of them all.
const MANY: u64 = 1 << 29;
/// The longest prefix of IPv6 that is everybody: all public addresses are `2000::/3`.
const SHORT: u32 = 8;

/// Whether networks together are everybody.
pub(super) fn is_everybody<'a>(networks: impl IntoIterator<Item = &'a str>) -> bool {
    let mut seen: Vec<(u32, u32)> = Vec::new();
    for network in networks {
        let network = network.trim();
        if ["*", "internet", "any"]
            .iter()
            .any(|word| network.eq_ignore_ascii_case(word))
        {
            return true;
        }
        let (address, prefix) = network.split_once('/').unwrap_or((network, ""));
        let prefix: Option<u32> = prefix.parse().ok();
        if let Ok(address) = address.parse::<Ipv4Addr>() {
            let prefix = prefix.unwrap_or(32).min(32);
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            seen.push((u32::from(address) & mask, prefix));
        } else if address.parse::<Ipv6Addr>().is_ok() && prefix.is_some_and(|it| it <= SHORT) {
            return true;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    let sizes = seen.iter().map(|(_, prefix)| 1_u64 << (32 - prefix));
    sizes.sum::<u64>() >= MANY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_seen_in_pieces_too() {
        for networks in [
            &["0.0.0.0/0"][..],
            &["::/0"],
            &["0:0:0:0:0:0:0:0/0"],
            &["0.0.0.0/00"],
            &["1.2.3.4/0"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["10.0.0.0/8", "64.0.0.0/3"],
            &["2000::/3"],
            &["Internet"],
            &["*"],
        ] {
            assert!(is_everybody(networks.iter().copied()), "{networks:?}");
        }
        for networks in [
            &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"][..],
            &["203.0.113.7/32"],
            &["203.0.113.7"],
            &["2001:db8::/32"],
            &["${var.office}"],
            &["AzureLoadBalancer"],
            &[],
        ] {
            assert!(!is_everybody(networks.iter().copied()), "{networks:?}");
        }
    }
}
