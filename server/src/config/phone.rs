//! `[phone]`: the service on desk phones. Absent: off.

use super::finesse::is_here;
use super::load::{RawTrust, networks, secret, trust};
use super::problem::{Problem, Source};
use super::secret::Secret;
use super::webex::address;
use ipnet::IpNet;
use lockdown::ids::SiteId;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct Phone {
    /// Where the EOC's phones are: from elsewhere nothing is ordered.
    pub networks: Vec<IpNet>,
    /// The EOC's phones. Every other phone sees the state, and nothing else.
    pub devices: Vec<DeskPhone>,
    /// Tell a lock to the EOC's phones. Default off.
    pub push: Option<Push>,
}

/// A desk phone of the EOC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskPhone {
    /// As CUCM calls it: `SEP` and twelve hex digits.
    pub name: String,
    /// The site it locks. Default the first.
    pub site: Option<SiteId>,
    /// Where it takes a push, such as `https://10.20.3.4`. Absent: it is not told.
    pub address: Option<String>,
}

/// As whom phones are told: a CUCM user with the devices associated.
#[derive(Debug, Clone)]
pub struct Push {
    pub username: String,
    pub password: Secret,
    pub trust: axl::Trust,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RawPhone {
    /// Where the EOC's phones are: from elsewhere nothing is ordered. Required with a device.
    #[serde(default)]
    networks: Vec<String>,
    /// A phone of the EOC; every other one sees the state only.
    #[serde(default)]
    device: Vec<RawDevice>,
    /// A line on these phones while a lock is ordered. Absent: none.
    push: Option<RawPush>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct RawDevice {
    /// As CUCM calls it: `SEP` and twelve hex digits. Required.
    name: String,
    /// The site it locks. Default the first.
    site: Option<String>,
    /// Where it takes a push, such as `https://10.20.3.4`. Absent: it is not told.
    address: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct RawPush {
    /// A CUCM user with these devices. Required.
    username: String,
    /// The password.
    password: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    password_file: Option<PathBuf>,
    /// How the phones' certificates are checked. Absent: as the system does.
    tls: Option<RawTrust>,
}

impl RawPhone {
    pub(super) fn read(self, public_url: &str, sites: &[SiteId], source: &Source) -> Result<Phone, Problem> {
        if !public_url.starts_with("https://") && !is_here(public_url) {
            return Err(source.problem("phone", "PINs need an http.public_url that begins with https://"));
        }
        let devices = self.device.into_iter().enumerate();
        let devices = devices.map(|(index, device)| device.read(index + 1, sites, source));
        let devices: Vec<DeskPhone> = devices.collect::<Result<_, _>>()?;
        if !devices.is_empty() && self.networks.is_empty() {
            let what = "name the voice networks: a phone's name alone is no proof";
            return Err(source.problem("phone.networks", what));
        }
        Ok(Phone {
            networks: networks(&self.networks, "phone.networks", source)?,
            devices,
            push: self.push.map(|push| push.read(source)).transpose()?,
        })
    }
}

impl RawDevice {
    fn read(self, number: usize, sites: &[SiteId], source: &Source) -> Result<DeskPhone, Problem> {
        let at = |key: &str| format!("phone.device[{number}].{key}");
        let name = device_name(&self.name);
        let name = name.ok_or_else(|| source.problem(&at("name"), "write SEP and twelve hex digits, as CUCM does"))?;
        let site = self.site.map(SiteId::try_from).transpose();
        let site = site.map_err(|error| source.problem(&at("site"), error.to_string()))?;
        if site.as_ref().is_some_and(|site| !sites.contains(site)) {
            return Err(source.problem(&at("site"), "there is no [[site]] with this id"));
        }
        let address = self.address.map(|text| address(&text, &at("address"), source)).transpose()?;
        Ok(DeskPhone { name, site, address })
    }
}

impl RawPush {
    fn read(self, source: &Source) -> Result<Push, Problem> {
        Ok(Push {
            username: self.username,
            password: secret(self.password, self.password_file, "phone.push.password", source)?,
            trust: trust(self.tls, "phone.push.tls", source)?,
        })
    }
}

/// `SEP001122AABBCC`, however it is written; `None` for anything else.
pub fn device_name(text: &str) -> Option<String> {
    let name = text.to_ascii_uppercase();
    let digits = name.strip_prefix("SEP")?;
    (digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::device_name;

    #[test]
    fn a_device_is_sep_and_twelve_hex_digits() {
        assert_eq!(device_name("sep001122aabbcc").as_deref(), Some("SEP001122AABBCC"));
        for bad in
            ["", "SEP", "SEP001122AABBC", "SEP001122AABBCCD", "CSF001122AABBCC", "SEP00112ZAABBCC", "#DEVICENAME#"]
        {
            assert_eq!(device_name(bad), None, "{bad}");
        }
    }
}
