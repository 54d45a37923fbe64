//! Who may do what. The same answer on every surface.

use crate::ids::{OperatorId, SiteId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a person is at the EOC. Kept in our own records, never taken from sign-in claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// EOC personnel: may lock.
    Eoc,
    /// Senior EOC personnel: may lock and is the only one who gives the all-clear.
    SeniorEoc,
    /// Manages people, keys and settings; by itself may neither lock nor release.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Eoc, Self::SeniorEoc, Self::Admin];

    /// The word in configuration, command line and records.
    pub fn word(self) -> &'static str {
        match self {
            Self::Eoc => "eoc",
            Self::SeniorEoc => "senior_eoc",
            Self::Admin => "admin",
        }
    }

    /// The word on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Eoc => "EOC",
            Self::SeniorEoc => "Senior EOC",
            Self::Admin => "Administrator",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    fn may(self, act: Act) -> bool {
        match act {
            Act::See => true,
            Act::Lock | Act::Work | Act::ReadCalls | Act::TakeCalls => matches!(self, Self::Eoc | Self::SeniorEoc),
            Act::Release => self == Self::SeniorEoc,
            Act::Manage | Act::Hook => self == Self::Admin,
        }
    }
}

/// What an API key may do; the words of its `--scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// The public state of one site, for a gadget that shows it: no secret, and good for nothing else.
    #[serde(rename = "status:embed")]
    StatusEmbed,
    #[serde(rename = "status:read")]
    StatusRead,
    #[serde(rename = "lock:enable")]
    LockEnable,
    #[serde(rename = "lock:release")]
    LockRelease,
    #[serde(rename = "calls:read")]
    CallsRead,
    #[serde(rename = "calls:write")]
    CallsWrite,
    #[serde(rename = "hooks:manage")]
    HooksManage,
}

impl Scope {
    pub const ALL: [Self; 7] = [
        Self::StatusEmbed,
        Self::StatusRead,
        Self::LockEnable,
        Self::LockRelease,
        Self::CallsRead,
        Self::CallsWrite,
        Self::HooksManage,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::StatusEmbed => "status:embed",
            Self::StatusRead => "status:read",
            Self::LockEnable => "lock:enable",
            Self::LockRelease => "lock:release",
            Self::CallsRead => "calls:read",
            Self::CallsWrite => "calls:write",
            Self::HooksManage => "hooks:manage",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    fn may(self, act: Act) -> bool {
        match act {
            Act::See => true,
            Act::Work => self == Self::StatusRead,
            Act::ReadCalls => self == Self::CallsRead,
            Act::TakeCalls => self == Self::CallsWrite,
            Act::Lock => self == Self::LockEnable,
            Act::Release => self == Self::LockRelease,
            Act::Hook => self == Self::HooksManage,
            Act::Manage => false,
        }
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// See the standing and since when: everybody.
    See,
    /// See steps, plan and timeline.
    Work,
    Lock,
    Release,
    /// See call requests, with who asked for them.
    ReadCalls,
    /// Take, answer and close call requests.
    TakeCalls,
    /// People, keys, settings.
    Manage,
    /// Outgoing webhooks.
    Hook,
}

/// By which door somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    Web,
    Gadget,
    Bot,
    Api,
    Phone,
    Cli,
}

impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Web => "web",
            Self::Gadget => "gadget",
            Self::Bot => "bot",
            Self::Api => "api",
            Self::Phone => "phone",
            Self::Cli => "cli",
        })
    }
}

/// The roles of one person: everywhere, and besides at single sites. Administrators are so everywhere
/// or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    pub everywhere: BTreeSet<Role>,
    #[serde(default)]
    pub at: BTreeMap<SiteId, BTreeSet<Role>>,
}

impl Grants {
    /// May somebody with these roles do `act` at `site`, or at any site where none is named?
    fn may(&self, act: Act, site: Option<&SiteId>) -> bool {
        let here = |(at, roles): (&SiteId, &BTreeSet<Role>)| {
            site.is_none_or(|site| site == at) && roles.iter().any(|role| *role != Role::Admin && role.may(act))
        };
        self.everywhere.iter().any(|role| role.may(act)) || self.at.iter().any(here)
    }

    pub fn is_empty(&self) -> bool {
        self.everywhere.is_empty() && self.at.values().all(BTreeSet::is_empty)
    }

    /// The same without the right to manage people and keys.
    #[must_use]
    pub fn without_admin(mut self) -> Self {
        self.everywhere.remove(&Role::Admin);
        self
    }

    /// At most what EOC personnel may: whoever may lock may do just that.
    #[must_use]
    pub fn only_eoc(self) -> Self {
        let lowered = |roles: BTreeSet<Role>| -> BTreeSet<Role> {
            let locks = roles.iter().any(|role| role.may(Act::Lock));
            locks.then_some(Role::Eoc).into_iter().collect()
        };
        let at = self.at.into_iter().map(|(site, roles)| (site, lowered(roles))).collect();
        Self { everywhere: lowered(self.everywhere), at }
    }

    pub fn is_admin(&self) -> bool {
        self.everywhere.contains(&Role::Admin)
    }

    /// Every role there is, wherever.
    pub fn all(&self) -> BTreeSet<Role> {
        self.everywhere.iter().chain(self.at.values().flatten()).copied().collect()
    }

    /// `senior_eoc`, `eoc at acme-north`.
    pub fn words(&self) -> Vec<String> {
        let everywhere = self.everywhere.iter().map(|role| role.word().to_owned());
        let at =
            self.at.iter().flat_map(|(site, roles)| roles.iter().map(move |role| format!("{} at {site}", role.word())));
        everywhere.chain(at).collect()
    }
}

impl<R: IntoIterator<Item = Role>> From<R> for Grants {
    fn from(roles: R) -> Self {
        Self { everywhere: roles.into_iter().collect(), at: BTreeMap::new() }
    }
}

/// Where somebody's rights come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    Roles(Grants),
    /// An API key; `site` is `None` for a key that is good for every site.
    Key {
        scopes: BTreeSet<Scope>,
        site: Option<SiteId>,
    },
    /// A program on behalf of a person: what both may.
    Delegated {
        grants: Grants,
        scopes: BTreeSet<Scope>,
    },
}

/// The person or key acting, and by which surface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    pub id: OperatorId,
    pub name: String,
    pub surface: Surface,
    pub authority: Authority,
}

/// Why not. The text is for the person refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("Only EOC personnel may lock. Ask the EOC.")]
    LockNeedsEoc,
    #[error("Only senior EOC personnel may give the all-clear. Ask a senior EOC officer.")]
    ReleaseNeedsSenior,
    #[error("Only EOC personnel may see this.")]
    NeedsEoc,
    #[error("Only an administrator may do this.")]
    NeedsAdmin,
    #[error("This key is not good for this site or lacks the scope.")]
    KeyLacksScope,
    #[error("The all-clear is given on the console, on a page of its own: not in a gadget and not from a phone.")]
    OnTheConsole,
    #[error("At this site two seniors must give the all-clear in person: a key or a program cannot. Use the console.")]
    TwoSeniorsInPerson,
}

impl Operator {
    /// May this operator do `act` at `site`?
    ///
    /// # Errors
    /// The [`Refusal`] names who may instead.
    pub fn may(&self, act: Act, site: Option<&SiteId>) -> Result<(), Refusal> {
        self.has_right(act, site)?;
        // What can be drawn over, or is proved by some digits, opens what is easy: never what is deliberate.
        let framed = matches!(self.surface, Surface::Gadget | Surface::Phone);
        let deliberate = matches!(act, Act::Release | Act::Manage | Act::Hook);
        if framed && deliberate { Err(Refusal::OnTheConsole) } else { Ok(()) }
    }

    fn has_right(&self, act: Act, site: Option<&SiteId>) -> Result<(), Refusal> {
        match &self.authority {
            Authority::Roles(grants) if grants.may(act, site) => Ok(()),
            Authority::Key { scopes, site: only }
                if scopes.iter().any(|scope| scope.may(act)) && (only.is_none() || only.as_ref() == site) =>
            {
                Ok(())
            }
            Authority::Delegated { grants, scopes }
                if grants.may(act, site) && scopes.iter().any(|scope| scope.may(act)) =>
            {
                Ok(())
            }
            _ if act == Act::See => Ok(()),
            Authority::Roles(_) => Err(Refusal::for_person(act)),
            Authority::Delegated { grants, .. } if !grants.may(act, site) => Err(Refusal::for_person(act)),
            Authority::Key { .. } | Authority::Delegated { .. } => Err(Refusal::KeyLacksScope),
        }
    }

    /// Holds nothing that sets them apart from the public: no role, and no scope but the one that stands in every
    /// gadget's file. What strangers try is counted, and not told: there may be any number of them.
    pub fn is_stranger(&self) -> bool {
        let is_public = |scopes: &BTreeSet<Scope>| scopes.iter().all(|scope| *scope == Scope::StatusEmbed);
        match &self.authority {
            Authority::Roles(grants) => grants.is_empty(),
            Authority::Key { scopes, .. } => is_public(scopes),
            Authority::Delegated { grants, scopes } => grants.is_empty() || is_public(scopes),
        }
    }

    /// A person who is signed in here, and no program that holds a key or a token.
    pub fn is_in_person(&self) -> bool {
        matches!(self.authority, Authority::Roles(_))
    }

    /// How the timeline names this operator.
    pub fn actor(&self) -> Actor {
        Actor { id: self.id.clone(), name: self.name.clone(), surface: self.surface }
    }
}

impl Refusal {
    fn for_person(act: Act) -> Self {
        match act {
            Act::Lock => Self::LockNeedsEoc,
            Act::Release => Self::ReleaseNeedsSenior,
            Act::Manage | Act::Hook => Self::NeedsAdmin,
            Act::See | Act::Work | Act::ReadCalls | Act::TakeCalls => Self::NeedsEoc,
        }
    }
}

/// An operator as the timeline remembers them: who and by which surface, not which rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub id: OperatorId,
    pub name: String,
    pub surface: Surface,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.surface)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(roles: &[Role]) -> Operator {
        Operator {
            id: OperatorId::try_from("p-1").unwrap(),
            name: "P".into(),
            surface: Surface::Web,
            authority: Authority::Roles(roles.iter().copied().into()),
        }
    }

    fn key(scopes: &[Scope], site: Option<&str>) -> Operator {
        Operator {
            authority: Authority::Key {
                scopes: scopes.iter().copied().collect(),
                site: site.map(|id| SiteId::try_from(id).unwrap()),
            },
            surface: Surface::Api,
            ..person(&[])
        }
    }

    #[test]
    fn everybody_sees_eoc_locks_and_only_seniors_release() {
        use Act::{Lock, Manage, ReadCalls, Release, See, TakeCalls, Work};
        let table: [(&[Role], [bool; 7]); 4] = [
            (&[], [true, false, false, false, false, false, false]),
            (&[Role::Eoc], [true, true, true, false, false, true, true]),
            (&[Role::SeniorEoc], [true, true, true, true, false, true, true]),
            (&[Role::Admin], [true, false, false, false, true, false, false]),
        ];
        for (roles, want) in table {
            let got = [See, Work, Lock, Release, Manage, ReadCalls, TakeCalls]
                .map(|act| person(roles).may(act, None).is_ok());
            assert_eq!(got, want, "{roles:?}");
        }
    }

    #[test]
    fn no_gadget_and_no_phone_gives_the_all_clear_whoever_asks() {
        for surface in [Surface::Gadget, Surface::Phone] {
            let at = |roles: &[Role]| Operator { surface, ..person(roles) };
            assert_eq!(at(&[Role::Eoc]).may(Act::Lock, None), Ok(()), "{surface}");
            assert_eq!(at(&Role::ALL).may(Act::TakeCalls, None), Ok(()), "{surface}");
            for act in [Act::Release, Act::Manage, Act::Hook] {
                assert_eq!(at(&Role::ALL).may(act, None), Err(Refusal::OnTheConsole), "{surface} {act:?}");
            }
            assert_eq!(at(&[Role::Eoc]).may(Act::Release, None), Err(Refusal::ReleaseNeedsSenior), "{surface}");
        }
    }

    #[test]
    fn the_key_of_a_gadget_sees_and_does_nothing_else() {
        let embed = key(&[Scope::StatusEmbed], None);
        let more = [Act::Work, Act::Lock, Act::Release, Act::ReadCalls, Act::TakeCalls, Act::Manage, Act::Hook];
        assert!(more.iter().all(|act| embed.may(*act, None) == Err(Refusal::KeyLacksScope)));
        assert_eq!(embed.may(Act::See, None), Ok(()));
    }

    #[test]
    fn an_administrator_who_is_also_eoc_may_lock_but_not_release() {
        let both = person(&[Role::Admin, Role::Eoc]);
        assert_eq!(both.may(Act::Lock, None), Ok(()));
        assert_eq!(both.may(Act::Release, None), Err(Refusal::ReleaseNeedsSenior));
    }

    #[test]
    fn a_role_at_one_site_is_worth_nothing_at_another() {
        let north = SiteId::try_from("north").unwrap();
        let south = SiteId::try_from("south").unwrap();
        let at = [(north.clone(), [Role::SeniorEoc, Role::Admin].into())].into();
        let who = Operator { authority: Authority::Roles(Grants { everywhere: [].into(), at }), ..person(&[]) };
        for act in [Act::Lock, Act::Release, Act::Work] {
            assert!(who.may(act, Some(&north)).is_ok() && who.may(act, None).is_ok(), "{act:?}");
            assert!(who.may(act, Some(&south)).is_err(), "{act:?}");
        }
        assert_eq!(
            who.may(Act::Manage, None),
            Err(Refusal::NeedsAdmin),
            "the administrator role applies to every site"
        );
        assert_eq!(who.may(Act::See, Some(&south)), Ok(()));
    }

    #[test]
    fn a_program_on_behalf_of_a_person_may_what_both_may() {
        let delegated = |roles: &[Role], scopes: &[Scope]| {
            let grants = roles.iter().copied().into();
            let scopes = scopes.iter().copied().collect();
            Operator { authority: Authority::Delegated { grants, scopes }, ..person(&[]) }
        };
        assert_eq!(delegated(&[Role::Eoc], &[Scope::LockEnable]).may(Act::Lock, None), Ok(()));
        assert_eq!(delegated(&[], &[Scope::LockEnable]).may(Act::Lock, None), Err(Refusal::LockNeedsEoc));
        assert_eq!(delegated(&[Role::Eoc], &[Scope::StatusRead]).may(Act::Lock, None), Err(Refusal::KeyLacksScope));
    }

    #[test]
    fn what_a_sealed_code_opens_is_never_more_than_locking() {
        let everything = Grants {
            everywhere: Role::ALL.into(),
            at: [(SiteId::try_from("s").unwrap(), [Role::SeniorEoc].into())].into(),
        };
        assert_eq!(everything.clone().only_eoc().words(), ["eoc", "eoc at s"]);
        assert_eq!(everything.without_admin().words(), ["eoc", "senior_eoc", "senior_eoc at s"]);
        assert!(Grants::from([Role::Admin]).only_eoc().is_empty());
    }

    #[test]
    fn a_key_is_good_for_its_scopes_at_its_site_only() {
        let north = SiteId::try_from("north").unwrap();
        let south = SiteId::try_from("south").unwrap();
        let bound = key(&[Scope::LockEnable], Some("north"));
        assert_eq!(bound.may(Act::Lock, Some(&north)), Ok(()));
        assert_eq!(bound.may(Act::Lock, Some(&south)), Err(Refusal::KeyLacksScope));
        assert_eq!(bound.may(Act::Release, Some(&north)), Err(Refusal::KeyLacksScope));
        assert_eq!(key(&[Scope::LockRelease], None).may(Act::Release, Some(&south)), Ok(()));
        assert_eq!(key(&Scope::ALL, None).may(Act::Manage, None), Err(Refusal::KeyLacksScope));
    }
}
