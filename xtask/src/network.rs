//! The network that RUN has on Windows: which is asked for, and what the host network service (HNS) tells of it. Pure.

use crate::error::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The network that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// What BuildKit has by itself: no network on Windows, the host's on Linux.
    #[default]
    None,
    /// Windows' own network for containers.
    Nat,
}

impl Network {
    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Network::None => "none",
            Network::Nat => "nat",
        }
    }

    /// Whether it is what there is without asking.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Network::None, Network::Nat]
            .into_iter()
            .find(|network| network.name() == text)
            .ok_or_else(|| Error::usage(format!("`{text}` is no network that RUN can have")).hint("use none or nat"))
    }
}

/// The name of the network that Docker makes, and that BuildKit's and containerd's documents go by.
const NAT: &str = "nat";

/// The command that makes the network, for an elevated PowerShell. Windows itself has none; the module is the one that
/// BuildKit's document takes.
/// Source: <https://github.com/moby/buildkit/blob/master/docs/windows.md#cni--networking-setup>
pub const COMMAND_TO_MAKE_IT: &str = "curl.exe -fSLO https://raw.githubusercontent.com/microsoft/SDN/master/Kubernetes/windows/hns.psm1; \
Import-Module ./hns.psm1; New-HnsNetwork -Type NAT -Name nat";

/// How to make the network, in words.
fn how_to_make_it() -> String {
    format!(
        "start Docker once, which makes it (`Start-Service docker`), or make it in an elevated PowerShell: `{COMMAND_TO_MAKE_IT}`"
    )
}

/// The `nat` network of a Windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nat {
    /// Its name, as HNS spells it.
    name: String,
    /// Its subnet, as in `172.22.96.0/20`.
    subnet: String,
    /// The host's address in it.
    gateway: Ipv4Addr,
}

impl Nat {
    /// What to show to people.
    pub fn shown(&self) -> String {
        format!("{} ({} by way of {})", self.name, self.subnet, self.gateway)
    }
}

/// Finds the `nat` network in HNS's answer to `GET /networks/`.
///
/// # Errors
/// When the answer is a refusal or makes no sense, or there is no such network, or it has no subnet.
/// Source: <https://github.com/microsoft/hcsshim/blob/main/internal/hns/hnsnetwork.go>
pub fn nat_of(answer: &str) -> Result<Nat> {
    let answer: Value = serde_json::from_str(answer).trying(|| "read what HNS told of its networks".into())?;
    if answer["Success"] != true {
        let reason =
            answer["Error"].as_str().map(str::trim).filter(|reason| !reason.is_empty()).unwrap_or("it gave no reason");
        return Err(Error::ground(format!("HNS did not tell its networks: {reason}"))
            .hint("see whether the service runs, in an elevated PowerShell: `Get-Service hns`"));
    }
    let networks = answer["Output"].as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |network: &Value| network["Name"].as_str().unwrap_or_default().to_owned();
    let Some(nat) = networks.iter().find(|network| name(network).eq_ignore_ascii_case(NAT)) else {
        let names: Vec<String> = networks.iter().map(|network| format!("`{}`", name(network))).collect();
        let instead = if names.is_empty() { "none at all".to_owned() } else { names.join(", ") };
        return Err(Error::ground(format!("this Windows has no network `{NAT}`, but {instead}")).hint(how_to_make_it()));
    };
    let subnets = nat["Subnets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (subnet, gateway) = subnets.iter().find_map(ipv4).ok_or_else(|| {
        Error::ground(format!("the network `{NAT}` of this Windows has no IPv4 subnet with a gateway")).hint(format!(
            "delete it (`Get-HnsNetwork | ? Name -eq {NAT} | Remove-HnsNetwork`), then {}",
            how_to_make_it()
        ))
    })?;
    Ok(Nat { name: name(nat), subnet, gateway })
}

fn ipv4(subnet: &Value) -> Option<(String, Ipv4Addr)> {
    let prefix = subnet["AddressPrefix"].as_str()?;
    let (address, length) = prefix.split_once('/')?;
    address.parse::<Ipv4Addr>().ok()?;
    length.parse::<u8>().ok().filter(|length| *length <= 32)?;
    Some((prefix.to_owned(), subnet["GatewayAddress"].as_str()?.parse().ok()?))
}

/// The configuration of the CNI plugin `nat` for a network.
///
/// As BuildKit's document has it, but for the route: its `gateway` is no field of a CNI route, so the plugin takes the
/// subnet's first address whatever stands there. containerd's script has `GW`, which is read.
///
/// Source: <https://github.com/moby/buildkit/blob/master/docs/windows.md#cni--networking-setup>,
/// <https://github.com/containerd/containerd/blob/main/script/setup/install-cni-windows>,
/// <https://github.com/microsoft/windows-container-networking/blob/master/cni/cni.go>
pub fn cni_configuration(nat: &Nat) -> String {
    let configuration = json!({
        // The newest that the plugin speaks, from its version 0.3.1 on.
        "cniVersion": "1.0.0",
        // The plugin looks for a network of this name, and makes one of this type when there is none.
        "name": nat.name,
        "type": "nat",
        "master": "Ethernet",
        "ipam": { "subnet": nat.subnet, "routes": [{ "GW": nat.gateway }] },
        "capabilities": { "portMappings": true, "dns": true },
    });
    format!("{configuration:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = include_str!("../../fixtures/hns/networks.json");

    /// The sample with something else in it.
    fn changed(change: impl Fn(&mut Value)) -> String {
        let mut answer: Value = serde_json::from_str(ANSWER).unwrap();
        change(&mut answer);
        answer.to_string()
    }

    fn refusal(answer: &str) -> (String, String) {
        let error = nat_of(answer).unwrap_err();
        (error.to_string(), error.hint_text().unwrap_or_default().to_owned())
    }

    #[test]
    fn each_is_asked_for_by_its_name() {
        for network in [Network::None, Network::Nat] {
            assert_eq!(network.name().parse::<Network>().unwrap(), network);
            assert_eq!(serde_json::to_value(network).unwrap(), network.name());
        }
        assert_eq!("NAT".parse::<Network>().unwrap_err().class().exit_code(), 2);
    }

    #[test]
    fn the_plugin_is_told_of_the_network_that_there_is() {
        let nat = nat_of(ANSWER).unwrap();
        assert_eq!(nat.shown(), "nat (172.22.96.0/20 by way of 172.22.96.1)");
        let expected = r#"{
  "capabilities": {
    "dns": true,
    "portMappings": true
  },
  "cniVersion": "1.0.0",
  "ipam": {
    "routes": [
      {
        "GW": "172.22.96.1"
      }
    ],
    "subnet": "172.22.96.0/20"
  },
  "master": "Ethernet",
  "name": "nat",
  "type": "nat"
}
"#;
        assert_eq!(cni_configuration(&nat), expected);
    }

    #[test]
    fn the_name_is_found_in_any_case_and_kept_as_it_is() {
        let answer = changed(|answer| answer["Output"][1]["Name"] = json!("NAT"));
        assert_eq!(nat_of(&answer).unwrap().name, "NAT");
    }

    #[test]
    fn a_subnet_of_the_newer_internet_is_passed_over() {
        let newer = json!({ "AddressPrefix": "fd00:1::/64", "GatewayAddress": "fd00:1::1" });
        let answer = changed(|answer| answer["Output"][1]["Subnets"].as_array_mut().unwrap().insert(0, newer.clone()));
        assert_eq!(nat_of(&answer).unwrap().subnet, "172.22.96.0/20");
    }

    #[test]
    fn a_missing_network_is_said_with_what_there_is_instead() {
        let (error, hint) = refusal(&changed(|answer| drop(answer["Output"].as_array_mut().unwrap().pop())));
        assert_eq!(error, "this Windows has no network `nat`, but `Default Switch`");
        assert!(hint.contains("New-HnsNetwork -Type NAT -Name nat"), "{hint}");
        for none in [r#"{"Success":true,"Output":[]}"#, r#"{"Success":true,"Output":null}"#, r#"{"Success":true}"#] {
            assert_eq!(refusal(none).0, "this Windows has no network `nat`, but none at all", "{none}");
        }
    }

    #[test]
    fn a_network_without_a_subnet_is_of_no_use() {
        let half = json!([{ "AddressPrefix": "172.22.96.0/20" }]);
        let odd = json!([{ "AddressPrefix": "172.22.96.0/33", "GatewayAddress": "172.22.96.1" }]);
        for subnets in [Value::Null, json!([]), half, odd] {
            let (error, hint) = refusal(&changed(|answer| answer["Output"][1]["Subnets"] = subnets.clone()));
            assert_eq!(error, "the network `nat` of this Windows has no IPv4 subnet with a gateway", "{subnets}");
            assert!(hint.starts_with("delete it"), "{hint}");
        }
    }

    #[test]
    fn a_refusal_and_nonsense_are_told_as_they_are() {
        let (error, _) = refusal(r#"{"Success":false,"Error":"Access is denied. ","ErrorCode":5}"#);
        assert_eq!(error, "HNS did not tell its networks: Access is denied.");
        assert_eq!(refusal("{}").0, "HNS did not tell its networks: it gave no reason");
        assert!(refusal("").0.starts_with("failed to read what HNS told of its networks: "));
    }
}
