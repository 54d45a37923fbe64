//! Each kind of step over the wire: written, read back, mended where somebody changed it, and given back.

use crate::world::{DEMO, World};
use simulators::cucm::Cluster;
use simulators::cucm::model::{Css, Partition, SipRoutePattern, TranslationPattern};

const STEPS: &str = r#"
[[site.step]]
kind = "trans_pattern_set"
group = "inbound_redirect"
partition = "PT-DID"
pattern = "77XX"
normal = { mask = "41XX", css = "CSS-INBOUND" }
locked = { mask = "5911", css = "CSS-TO-EOC" }

[[site.step]]
kind = "css_members"
group = "outbound_redirect"
css = "CSS-GUESTS"
normal = ["PT-EMERGENCY", "PT-INTERNAL"]
locked = ["PT-EMERGENCY"]

[[site.step]]
kind = "trans_pattern_block"
group = "outbound_block"
partition = "PT-SHORT"
all = true
except = ["781X"]

[[site.step]]
kind = "sip_route_pattern_block"
partition = "PT-SIP"
all = true
except = ["cluster-b.example"]
"#;

fn has(cluster: &mut Cluster) {
    let partition = |name: &str| Partition { name: name.into(), ..Partition::default() };
    cluster.partitions.extend(["PT-DID", "PT-SHORT", "PT-SIP"].map(partition));
    let translation = |pattern: &str, partition: &str| TranslationPattern {
        pattern: pattern.into(),
        partition: Some(partition.into()),
        mask: Some("41XX".into()),
        css: Some("CSS-INBOUND".into()),
        ..TranslationPattern::default()
    };
    cluster.translation_patterns.extend([
        translation("77XX", "PT-DID"),
        translation("780X", "PT-SHORT"),
        translation("781X", "PT-SHORT"),
    ]);
    let members = vec!["PT-EMERGENCY".into(), "PT-INTERNAL".into()];
    cluster.calling_search_spaces.push(Css { name: "CSS-GUESTS".into(), members });
    let sip = |pattern: &str| SipRoutePattern {
        pattern: pattern.into(),
        partition: Some("PT-SIP".into()),
        blocked: false,
        trunk: "TRUNK-PSTN".into(),
    };
    cluster.sip_route_patterns.extend([sip("*.itsp.example"), sip("cluster-b.example")]);
}

/// What a step of each kind switches, as it stands in CUCM.
fn held(cluster: &Cluster) -> Vec<String> {
    let schedule = cluster.partitions.iter().find(|p| p.name == "PT-LOCKDOWN-OUT").unwrap();
    let blocked = |pattern: &str| {
        let routes = cluster.route_patterns.iter().map(|p| (&p.pattern, p.blocked));
        let sip = cluster.sip_route_patterns.iter().map(|p| (&p.pattern, p.blocked));
        let translations = cluster.translation_patterns.iter().map(|p| (&p.pattern, p.blocked));
        let mut found = routes.chain(sip).chain(translations).filter(|(known, _)| *known == pattern);
        format!("{pattern} {}", if found.any(|(_, blocked)| blocked) { "blocked" } else { "open" })
    };
    let range = cluster.translation_patterns.iter().find(|p| p.pattern == "77XX").unwrap();
    let guests = cluster.calling_search_spaces.iter().find(|css| css.name == "CSS-GUESTS").unwrap();
    vec![
        schedule.schedule.clone().unwrap_or_default(),
        blocked("9.011!"),
        blocked("*.itsp.example"),
        blocked("cluster-b.example"),
        blocked("780X"),
        blocked("781X"),
        format!("{} {}", range.mask.clone().unwrap_or_default(), range.css.clone().unwrap_or_default()),
        guests.members.join(":"),
    ]
}

const NORMAL: [&str; 8] = [
    "TS-NEVER",
    "9.011! open",
    "*.itsp.example open",
    "cluster-b.example open",
    "780X open",
    "781X open",
    "41XX CSS-INBOUND",
    "PT-EMERGENCY:PT-INTERNAL",
];

const LOCKED: [&str; 8] = [
    "",
    "9.011! blocked",
    "*.itsp.example blocked",
    "cluster-b.example open",
    "780X blocked",
    "781X open",
    "5911 CSS-TO-EOC",
    "PT-EMERGENCY",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_step_is_written_read_back_repaired_and_given_back() {
    let world = World::stopped(&format!("{DEMO}{STEPS}"), "").await;
    world.cucm.edit(has);
    world.serve().await;
    world.until_standing("normal").await;
    assert_eq!(held(&world.cucm.cluster()), NORMAL);
    world.lock_verified().await;
    assert_eq!(held(&world.cucm.cluster()), LOCKED);
    let by_hand: [fn(&mut Cluster); 6] = [
        |cluster| cluster.partition("PT-LOCKDOWN-OUT").unwrap().schedule = Some("TS-NEVER".into()),
        |cluster| cluster.route_pattern("9.011!").unwrap().blocked = false,
        |cluster| cluster.sip_route_patterns[0].blocked = false,
        |cluster| {
            cluster.translation_patterns.iter_mut().filter(|p| p.pattern == "780X").for_each(|p| p.blocked = false);
        },
        |cluster| {
            cluster.translation_patterns.iter_mut().filter(|p| p.pattern == "77XX").for_each(|p| p.mask = None);
        },
        |cluster| {
            let guests = cluster.calling_search_spaces.iter_mut().filter(|css| css.name == "CSS-GUESTS");
            guests.for_each(|css| css.members.push("PT-INTERNAL".into()));
        },
    ];
    for change in by_hand {
        world.cucm.edit(change);
        assert_ne!(held(&world.cucm.cluster()), LOCKED, "it was changed");
        world.until("it is mended", async || held(&world.cucm.cluster()) == LOCKED).await;
    }
    world.until_standing("locked").await;
    world.release_verified().await;
    assert_eq!(held(&world.cucm.cluster()), NORMAL);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_a_kind_of_step_does_not_know_is_refused_with_what_it_knows() {
    for (step, said) in [
        (
            "kind = \"sip_route_pattern_block\"\npartition = \"P\"\nall = true\nacknowledge_gateway = true",
            "acknowledge_gateway: a sip_route_pattern_block step has no such key: it knows partition, pattern, all, except",
        ),
        (
            "kind = \"partition_schedule\"\ngroup = \"outbound_redirect\"\npartition = \"P\"\nall = true\nnormal = \"\"\nlocked = \"\"",
            "all: a partition_schedule step has no such key",
        ),
        (
            "kind = \"route_pattern_block\"\npartition = \"P\"\npattern = \"9.!\"\nexcept = [\"9.1!\"]",
            "except: it belongs to all = true",
        ),
        ("kind = \"sip_route_pattern\"\npartition = \"P\"", "sip_route_pattern_block"),
    ] {
        let world = World::stopped(&format!("{DEMO}\n[[site.step]]\n{step}\n"), "").await;
        let output = world.run(&["plan", "check"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(said), "{step}\n{told}");
    }
}
