//! What `doctor` makes of machines that are made up: each as one finds them, or with one thing wrong. A snapshot is the whole
//! list; what a real machine answers is looked at elsewhere.

use insta::assert_snapshot;
use std::path::Path;
use std::time::{Duration, SystemTime};
use xtask::docker::{Server, Trouble};
use xtask::doctor::buildx::{self, Own};
use xtask::doctor::docker::{self, Found, Installed, Need};
use xtask::doctor::linux::{self, Rights};
use xtask::doctor::machine::{self, Tools};
use xtask::doctor::net::{self, Answer, Reliance};
use xtask::doctor::windows::{self, System};
use xtask::doctor::{Check, Verdict, antivirus, commands, count, for_root, mounts, proxies, text};
use xtask::error::Error;
use xtask::network::{self, Network};
use xtask::platform::{Arch, Os, Windows};
use xtask::version::Spec;

/// What every machine has.
struct Machine {
    os: Os,
    base: &'static str,
    has_rights: bool,
    free: u64,
    docker: Found,
    client: Need,
    tools: Tools,
    github: Result<Answer, String>,
    registry: Option<Result<Answer, String>>,
    token: bool,
}

fn answer(status: u16, body: &str) -> Result<Answer, String> {
    Ok(Answer { status, body: body.to_owned() })
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn calls(left: u64, limit: u64) -> Result<Answer, String> {
    let core = format!(r#"{{"resources":{{"core":{{"limit":{limit},"remaining":{left},"reset":1800001800}}}}}}"#);
    answer(200, &core)
}

fn silent(url: &str) -> Result<Answer, String> {
    Err(format!("{url} sent nothing for 8s"))
}

fn docker(server: Result<Server, Trouble>, installed: Installed) -> Found {
    Found { server, elsewhere: None, installed, group: None, plugin: Ok(None) }
}

fn answering(version: &str, desktop: Option<(u64, u64)>) -> Result<Server, Trouble> {
    Ok(Server { version: version.to_owned(), desktop })
}

impl Machine {
    fn rights(&self) -> Check {
        let missing = Error::ground("containerd needs more rights than these");
        machine::rights((!self.has_rights).then_some(&missing), "cargo xtask doctor", self.os)
    }

    fn everywhere(&self) -> Vec<Check> {
        vec![
            machine::workspace(Path::new(self.base), false, None, self.os),
            machine::disk(Ok(self.free), None, self.os),
            machine::endpoints(&[], self.os),
            machine::others(&Ok(Vec::new()), &[]),
            docker::judge(&self.docker, self.client, self.os),
            buildx::judge(&self.docker, &Own::default(), self.client),
            machine::go(&self.tools, None, self.os),
            proxies::proxies(&[], None),
            net::github(&self.github, &Reliance { has_token: self.token, has_substitute: self.tools.suffice(self.os) }),
            net::clock(now(), self.github.as_ref().ok().map(|_| now()), self.os),
            match &self.registry {
                Some(answer) => net::registry(answer, "mcr.microsoft.com", false),
                None => Check::ok("registry", "none is needed"),
            },
        ]
    }
}

/// What a Windows has besides.
struct OnWindows {
    machine: Machine,
    windows: Windows,
    has_runtime: bool,
    feature: &'static str,
    hyper_v: bool,
    long_paths: u32,
    defender: &'static str,
    networks: &'static str,
    network: Network,
}

impl OnWindows {
    /// GitHub's: elevated, containers on, Docker's service, no buildx, Defender off.
    fn runner(build: u32) -> Self {
        let machine = Machine {
            os: Os::Windows,
            base: r"D:\a\images\images\target\buildkit-windows-test",
            has_rights: true,
            free: 33 << 30,
            docker: docker(answering("29.1.5", None), Installed::Service),
            client: Need::Welcome,
            tools: Tools { go: Some("go1.24.11".into()), ..Tools::default() },
            github: calls(998, 1000),
            registry: Some(answer(200, "")),
            token: true,
        };
        Self {
            machine,
            windows: Windows { build, is_server: true },
            has_runtime: true,
            feature: "1\r\n",
            hyper_v: true,
            long_paths: 1,
            defender: r#"{"realtime":false,"paths":["C:\\","D:\\"],"all":[]}"#,
            networks: include_str!("../../../../fixtures/hns/networks.json"),
            network: Network::None,
        }
    }

    /// Someone's Windows 11 with Docker Desktop, elevated or not.
    fn laptop(has_rights: bool) -> Self {
        let exclusions = if has_rights { "" } else { r#""N/A: Must be an administrator to view exclusions""# };
        let defender = format!(r#"{{"realtime":true,"paths":[{exclusions}],"all":["Windows Defender"]}}"#);
        let machine = Machine {
            base: r"C:\Users\me\src\buildkit-windows\target\buildkit-windows-test",
            has_rights,
            free: 120 << 30,
            docker: docker(answering("28.5.1", Some((4, 48))), Installed::Desktop),
            tools: Tools::default(),
            github: calls(58, 60),
            token: false,
            ..Self::runner(0).machine
        };
        Self {
            machine,
            windows: Windows { build: 26100, is_server: false },
            long_paths: 0,
            defender: defender.leak(),
            ..Self::runner(0)
        }
    }

    fn checks(&self) -> Vec<Check> {
        let base = Path::new(self.machine.base);
        let missing = Error::ground("this Windows has no container runtime (`vmcompute.dll` can't be loaded)");
        let system = System { windows: Some(self.windows), revision: Some(4349), arch: Arch::Amd64 };
        let mut checks = vec![
            windows::system(system, None),
            self.machine.rights(),
            windows::containers(
                (!self.has_runtime).then_some(&missing),
                windows::feature(self.feature),
                Some(self.windows),
            ),
            windows::hyper_v(Ok(self.hyper_v)),
            windows::long_paths(Ok(Some(self.long_paths)), base, false),
            antivirus::judge(self.defender, base),
            windows::nat(&network::nat_of(self.networks), self.network, self.has_runtime),
        ];
        checks.extend(self.machine.everywhere());
        checks
    }
}

/// What a Linux has besides.
struct OnLinux {
    machine: Machine,
    status: &'static str,
    uid_map: &'static str,
    mounts: &'static str,
}

const ROOT: &str = "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n";
const OF_THE_MACHINE: &str = "         0          0 4294967295\n";

impl OnLinux {
    /// Debian in a virtual machine, by `sudo`.
    fn debian() -> Self {
        let machine = Machine {
            os: Os::Linux,
            base: "/home/me/buildkit-windows/target/buildkit-windows-test",
            has_rights: true,
            free: 12 << 30,
            docker: docker(Err(Trouble::Absent), Installed::Otherwise),
            client: Need::Welcome,
            tools: Tools { has_apt: true, ..Tools::default() },
            github: calls(58, 60),
            registry: None,
            token: false,
        };
        let mounts =
            "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        Self { machine, status: ROOT, uid_map: OF_THE_MACHINE, mounts }
    }

    /// Root in a container as `docker run` makes it by default.
    fn container() -> Self {
        Self {
            machine: Machine { base: "/src/target/buildkit-windows-test", ..Self::debian().machine },
            status: "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n",
            mounts: "22 1 0:50 / / rw,relatime - overlay overlay rw\n\
                     30 22 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec - cgroup2 cgroup rw\n\
                     40 22 254:1 /x /etc/hosts rw,relatime - ext4 /dev/vda1 rw\n",
            ..Self::debian()
        }
    }

    fn checks(&self) -> Vec<Check> {
        let rights = Rights::of(self.status);
        let can_mount = rights.is_none_or(|rights| rights.can_mount() || !rights.is_root());
        let mut checks = vec![
            Check::ok("system", "Linux 6.12.57+deb13-amd64"),
            self.machine.rights(),
            linux::capabilities(rights, self.uid_map),
            linux::cgroups(self.mounts, can_mount),
            linux::overlayfs("nodev\toverlay\n"),
            mounts::file_system(self.mounts, Path::new(self.machine.base)),
            linux::runc(&Spec::Latest, None),
            linux::iptables(),
        ];
        checks.extend(self.machine.everywhere());
        if self.machine.has_rights { for_root(checks) } else { checks }
    }
}

/// The list, and what `--fix` prints below it.
fn told(checks: &[Check]) -> String {
    format!("{}\n$ cargo xtask doctor --fix\n{}", text(checks), commands(checks))
}

fn problems(checks: &[Check]) -> usize {
    count(checks, Verdict::Problem)
}

#[test]
fn githubs_runners_are_fit() {
    for build in [20348, 26100] {
        let checks = OnWindows::runner(build).checks();
        assert_eq!((problems(&checks), count(&checks, Verdict::Warning)), (0, 0), "{}", text(&checks));
    }
    assert_snapshot!("windows-2025-runner", told(&OnWindows::runner(26100).checks()));
}

#[test]
fn a_runner_without_its_network_fails_only_who_asks_for_it() {
    let without = OnWindows { networks: r#"{"Success":true,"Output":[]}"#, ..OnWindows::runner(20348) };
    assert_eq!(problems(&without.checks()), 0);
    let asked = OnWindows { network: Network::Nat, ..without };
    assert_eq!(problems(&asked.checks()), 1);
}

#[test]
fn a_laptop_with_docker_desktop_for_linux_and_no_elevation() {
    let mut laptop = OnWindows::laptop(false);
    laptop.machine.docker = docker(
        Err(Trouble::OtherMode("linux".into(), Server { version: "28.5.1".into(), desktop: Some((4, 48)) })),
        Installed::Desktop,
    );
    // Docker Desktop runs on WSL 2, which has brought the library; the feature is off.
    laptop.feature = "2\r\n";
    laptop.networks = r#"{"Success":true,"Output":[{"Name":"Default Switch"}]}"#;
    assert_snapshot!("laptop-docker-for-linux", told(&laptop.checks()));
}

#[test]
fn a_laptop_that_is_ready_is_only_warned_of_its_scanner() {
    let checks = OnWindows::laptop(true).checks();
    let warned: Vec<_> = checks.iter().filter(|check| check.verdict == Verdict::Warning).map(|c| c.check).collect();
    assert_eq!((problems(&checks), warned), (0, vec!["antivirus"]), "{}", text(&checks));
}

#[test]
fn a_windows_without_containers_in_a_deep_folder_on_a_full_disk() {
    let mut laptop = OnWindows::laptop(true);
    laptop.has_runtime = false;
    laptop.feature = "2\r\n";
    laptop.hyper_v = false;
    laptop.networks = "";
    laptop.network = Network::Nat;
    laptop.machine.base =
        r"C:\Users\somebody.with.a.long.name\Documents\Visual Studio\Projects\containers\buildkit-windows\target\x";
    laptop.machine.free = 300 << 20;
    laptop.machine.docker = docker(Err(Trouble::Absent), Installed::Otherwise);
    assert_snapshot!("no-containers-deep-full", told(&laptop.checks()));
}

#[test]
fn debian_is_fit_as_root() {
    let checks = OnLinux::debian().checks();
    assert_eq!((problems(&checks), count(&checks, Verdict::Warning)), (0, 0), "{}", text(&checks));
}

#[test]
fn debian_without_root_has_one_problem() {
    let mut debian = OnLinux::debian();
    debian.machine.has_rights = false;
    debian.status = "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n";
    let refused = docker(Err(Trouble::Refused("permission denied".into())), Installed::Service);
    debian.machine.docker = Found { group: Some("docker".into()), ..refused };
    let checks = debian.checks();
    assert_eq!(problems(&checks), 1, "{}", text(&checks));
    assert_snapshot!("debian-without-root", told(&checks));
}

#[test]
fn an_unprivileged_container_is_told_what_it_takes() {
    assert_snapshot!("unprivileged-container", told(&OnLinux::container().checks()));
}

#[test]
fn a_rootless_container_is_warned() {
    let rootless = OnLinux { uid_map: "         0       1000          1\n", ..OnLinux::debian() };
    let checks = rootless.checks();
    assert_eq!((problems(&checks), count(&checks, Verdict::Warning)), (0, 1), "{}", text(&checks));
}

#[test]
fn a_net_that_hangs_is_a_problem_where_nothing_stands_in() {
    let mut laptop = OnWindows::laptop(true);
    laptop.machine.github = silent("https://api.github.com/rate_limit");
    laptop.machine.registry = Some(silent("https://mcr.microsoft.com/v2/"));
    let checks = laptop.checks();
    assert_eq!(problems(&checks), 2, "{}", text(&checks));
    laptop.machine.tools.go = Some("go1.26.8".into());
    assert_eq!(problems(&laptop.checks()), 1, "Go can build the programs, and pull no image");
}
