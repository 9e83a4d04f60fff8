//! The thirteen services of the shop, their pods, and what a pod's resource says.

use span::{BatchBuilder, BatchFull, ResourceRow, ValueRef};

use crate::dice::Dice;

/// What a service is written in. It decides the names of its libraries and the look of its stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Cpp,
    Dotnet,
    Go,
    Java,
    Node,
    Python,
    Ruby,
    Rust,
}

/// A service of the shop, as its position in [`SERVICES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    EdgeProxy,
    Frontend,
    Cart,
    Checkout,
    Catalog,
    Payment,
    Shipping,
    Currency,
    Recommendation,
    Inventory,
    Auth,
    OrderWorker,
    Notification,
}

/// What is known of a service.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) name: &'static str,
    /// What callers resolve.
    pub(crate) host: &'static str,
    pub(crate) language: Language,
    pods: u64,
    version: &'static str,
    port: u16,
}

/// All services, in the order of [`Service`].
pub(crate) static SERVICES: [Deployment; 13] = [
    deployment("edge-proxy", "edge-proxy.shop.svc.cluster.local", Language::Cpp, 3, "1.31.2", 8080),
    deployment("frontend", "frontend.shop.svc.cluster.local", Language::Node, 6, "4.12.0", 3000),
    deployment("cart", "cart.shop.svc.cluster.local", Language::Dotnet, 4, "2.7.1", 7070),
    deployment("checkout", "checkout.shop.svc.cluster.local", Language::Go, 4, "3.3.0", 5050),
    deployment("catalog", "catalog.shop.svc.cluster.local", Language::Go, 6, "5.0.4", 3550),
    deployment("payment", "payment.shop.svc.cluster.local", Language::Node, 3, "2.1.9", 50051),
    deployment("shipping", "shipping.shop.svc.cluster.local", Language::Rust, 3, "0.9.3", 50052),
    deployment("currency", "currency.shop.svc.cluster.local", Language::Cpp, 3, "1.4.0", 7001),
    deployment(
        "recommendation",
        "recommendation.shop.svc.cluster.local",
        Language::Python,
        4,
        "1.18.2",
        9001,
    ),
    deployment("inventory", "inventory.shop.svc.cluster.local", Language::Java, 4, "6.2.0", 9090),
    deployment("auth", "auth.shop.svc.cluster.local", Language::Java, 4, "3.8.5", 9443),
    deployment("order-worker", "order-worker.shop.svc.cluster.local", Language::Java, 3, "2.0.11", 9100),
    deployment("notification", "notification.shop.svc.cluster.local", Language::Ruby, 2, "1.2.6", 9200),
];

/// One running instance: an exporter of its own.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) service: Service,
    pub(crate) address: String,
    /// Keys and values of its resource.
    resource: Vec<(&'static str, Said)>,
}

/// A value of a resource.
#[derive(Debug)]
enum Said {
    Text(String),
    Number(i64),
}

/// All pods, those of one service beside each other.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) pods: Vec<Pod>,
    /// Where each service's pods begin in `pods`.
    first: [usize; SERVICES.len()],
}

impl Service {
    const ALL: [Self; SERVICES.len()] = [
        Self::EdgeProxy,
        Self::Frontend,
        Self::Cart,
        Self::Checkout,
        Self::Catalog,
        Self::Payment,
        Self::Shipping,
        Self::Currency,
        Self::Recommendation,
        Self::Inventory,
        Self::Auth,
        Self::OrderWorker,
        Self::Notification,
    ];

    pub(crate) fn deployment(self) -> &'static Deployment {
        &SERVICES[self as usize]
    }
}

impl Deployment {
    /// Returns the port its pods listen on.
    pub(crate) fn port(&self) -> i64 {
        i64::from(self.port)
    }
}

impl Fleet {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut fleet = Self { pods: Vec::new(), first: [0; SERVICES.len()] };
        for service in Service::ALL {
            fleet.first[service as usize] = fleet.pods.len();
            for ordinal in 0..service.deployment().pods {
                let number = fleet.pods.len() as u64;
                fleet.pods.push(Pod::new(service, ordinal, number, dice));
            }
        }
        fleet
    }

    /// Returns a random pod of a service, as its position in `pods`.
    pub(crate) fn pod_of(&self, service: Service, dice: &mut Dice) -> usize {
        self.first[service as usize] + dice.below(service.deployment().pods) as usize
    }
}

impl Pod {
    fn new(service: Service, ordinal: u64, number: u64, dice: &mut Dice) -> Self {
        let Deployment { name, language, version, .. } = service.deployment();
        let node = format!("ip-10-0-{}-{}.eu-central-1.compute.internal", number % 6, 20 + number % 11);
        let (set, suffix) = (format!("{:010x}", dice.bits() >> 24), format!("{:05x}", dice.bits() >> 44));
        let text = |value: &str| Said::Text(value.to_owned());
        let container: String = (0..4).map(|_| format!("{:016x}", dice.bits())).collect();
        let (sdk_language, sdk_version) = language.sdk();
        let resource = vec![
            ("service.name", text(name)),
            ("service.namespace", text("shop")),
            ("service.version", text(version)),
            ("service.instance.id", Said::Text(dice.uuid())),
            ("deployment.environment.name", text("production")),
            ("host.name", text(&node)),
            ("host.arch", text("amd64")),
            ("os.type", text("linux")),
            ("k8s.cluster.name", text("shop-eu-1")),
            ("k8s.namespace.name", text("shop")),
            ("k8s.node.name", text(&node)),
            ("k8s.pod.name", Said::Text(format!("{name}-{set}-{suffix}"))),
            ("k8s.deployment.name", text(name)),
            ("telemetry.sdk.name", text("opentelemetry")),
            ("telemetry.sdk.language", text(sdk_language)),
            ("telemetry.sdk.version", text(sdk_version)),
            ("cloud.provider", text("aws")),
            ("cloud.region", text("eu-central-1")),
            (
                "cloud.availability_zone",
                Said::Text(format!("eu-central-1{}", ["a", "b", "c"][ordinal as usize % 3])),
            ),
            ("container.id", Said::Text(container)),
            ("process.pid", Said::Number(1 + dice.below(60) as i64)),
        ];
        Self { service, address: format!("10.42.{}.{}", number % 6, 10 + number * 3), resource }
    }

    /// Writes its resource into a batch and returns the index.
    pub(crate) fn write(&self, builder: &mut BatchBuilder) -> Result<u32, BatchFull> {
        let mark = builder.mark();
        for (key, value) in &self.resource {
            let value = match value {
                Said::Text(text) => ValueRef::Str(text.as_bytes()),
                Said::Number(number) => ValueRef::Int(*number),
            };
            builder.push(key.as_bytes(), value)?;
        }
        let row = ResourceRow {
            attributes: builder.since(mark),
            schema_url: builder.text(b"https://opentelemetry.io/schemas/1.37.0")?,
            ..ResourceRow::default()
        };
        Ok(builder.resource(row))
    }
}

impl Language {
    /// Returns how the language's SDK calls itself, and a version of it.
    const fn sdk(self) -> (&'static str, &'static str) {
        match self {
            Self::Cpp => ("cpp", "1.23.0"),
            Self::Dotnet => ("dotnet", "1.13.1"),
            Self::Go => ("go", "1.38.0"),
            Self::Java => ("java", "1.55.0"),
            Self::Node => ("nodejs", "2.1.0"),
            Self::Python => ("python", "1.37.0"),
            Self::Ruby => ("ruby", "1.10.0"),
            Self::Rust => ("rust", "0.31.0"),
        }
    }
}

const fn deployment(
    name: &'static str,
    host: &'static str,
    language: Language,
    pods: u64,
    version: &'static str,
    port: u16,
) -> Deployment {
    Deployment { name, host, language, pods, version, port }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_nine_pods_of_thirteen_services() {
        let fleet = Fleet::new(&mut Dice::new(42));
        assert_eq!(fleet.pods.len(), 49);
        assert!(fleet.pods.iter().all(|pod| pod.resource.len() == 21));
        let mut dice = Dice::new(1);
        for service in Service::ALL {
            let pod = fleet.pod_of(service, &mut dice);
            assert_eq!(fleet.pods[pod].service, service);
        }
    }
}
