//! All operations of the shop, callees before callers, and the weights of what customers ask for.

use super::Class::{Consumer, ExternalHttp, GrpcServer, HttpServer, Internal, Producer, Redis};
use super::Sql::{MySql, Postgres};
use super::{Child, Class, Operation, Sql};
use crate::service::Service::{
    self, Auth, Cart, Catalog, Checkout, Currency, EdgeProxy, Frontend, Inventory, Notification, OrderWorker,
    Payment, Recommendation, Shipping,
};

/// What begins a trace, and how likely it is.
pub(crate) static ROOTS: [(&Operation, f64); 10] = [
    (&EDGE_PRODUCT, 0.30),
    (&EDGE_HOME, 0.17),
    (&EDGE_SEARCH, 0.12),
    (&EDGE_CART, 0.12),
    (&EDGE_ADD, 0.10),
    (&EDGE_CHECKOUT, 0.06),
    (&EDGE_RECOMMENDATIONS, 0.06),
    (&EDGE_LOGIN, 0.05),
    (&INVENTORY_SYNC, 0.0195),
    (&CATALOG_REINDEX, 0.0004),
];

const fn operation(
    service: Service,
    name: &'static str,
    class: Class,
    median_us: u64,
    children: &'static [Child],
) -> Operation {
    Operation { service, name, class, median_us, children }
}

/// A child that happens once, if at all.
const fn once(operation: &'static Operation, probability: f64) -> Child {
    Child { operation, probability, least: 1, most: 1 }
}

/// A child that happens several times.
const fn many(operation: &'static Operation, probability: f64, least: u64, most: u64) -> Child {
    Child { operation, probability, least, most }
}

const fn sql(
    system: Sql,
    database: &'static str,
    verb: &'static str,
    table: &'static str,
    text: &'static str,
) -> Class {
    Class::Sql { system, database, verb, table, text }
}

const fn serves(rpc: &'static str, method: &'static str) -> Class {
    GrpcServer { rpc, method }
}

const fn http(method: &'static str, route: &'static str) -> Class {
    HttpServer { method, route }
}

const fn inside(file: &'static str, line: i64) -> Class {
    Internal { file, line }
}

// Currency.
static CURRENCY_RATES: Operation =
    operation(Currency, "GET", Redis { command: "GET", key: "rates:eur:{tenant}" }, 180, &[]);
static CURRENCY_ROUND: Operation =
    operation(Currency, "currency.round", inside("src/money/round.cc", 41), 15, &[]);
static CURRENCY_CONVERT: Operation = operation(
    Currency,
    "shop.CurrencyService/Convert",
    serves("shop.CurrencyService", "Convert"),
    240,
    &[once(&CURRENCY_RATES, 0.6), once(&CURRENCY_ROUND, 0.3)],
);
static CURRENCY_LIST: Operation = operation(
    Currency,
    "shop.CurrencyService/GetSupportedCurrencies",
    serves("shop.CurrencyService", "GetSupportedCurrencies"),
    160,
    &[once(&CURRENCY_RATES, 0.35)],
);

// Inventory.
static STOCK_SELECT: Operation = operation(
    Inventory,
    "SELECT stock",
    sql(
        Postgres,
        "inventory",
        "SELECT",
        "stock",
        "SELECT s.sku, s.available, s.reserved, s.updated_at, w.code FROM stock s JOIN warehouses w ON w.id = s.warehouse_id WHERE s.sku = ?",
    ),
    1_400,
    &[],
);
static STOCK_UPDATE: Operation = operation(
    Inventory,
    "UPDATE stock",
    sql(
        Postgres,
        "inventory",
        "UPDATE",
        "stock",
        "UPDATE stock SET reserved = reserved + $1, updated_at = now(), version = version + 1 WHERE version = $2 AND warehouse_id = $3 AND sku = ?",
    ),
    2_300,
    &[],
);
static STOCK_CACHED: Operation =
    operation(Inventory, "HGET", Redis { command: "HGET", key: "stock:{product} available" }, 210, &[]);
static STOCK_LOCK: Operation =
    operation(Inventory, "StockLock.acquire", inside("com/shop/inventory/StockLock.java", 88), 60, &[]);
static STOCK_CHECK: Operation = operation(
    Inventory,
    "shop.InventoryService/CheckStock",
    serves("shop.InventoryService", "CheckStock"),
    420,
    &[once(&STOCK_CACHED, 0.9), once(&STOCK_SELECT, 0.35)],
);
static STOCK_RESERVE: Operation = operation(
    Inventory,
    "shop.InventoryService/Reserve",
    serves("shop.InventoryService", "Reserve"),
    700,
    &[once(&STOCK_LOCK, 0.8), once(&STOCK_SELECT, 1.0), once(&STOCK_UPDATE, 1.0)],
);
static SYNC_FEED: Operation = operation(
    Inventory,
    "GET",
    ExternalHttp { method: "GET", host: "feeds.supplier.example", path: "/v2/stock/{tenant}.ndjson" },
    120_000,
    &[],
);
static SYNC_UPSERT: Operation = operation(
    Inventory,
    "INSERT stock",
    sql(
        Postgres,
        "inventory",
        "INSERT",
        "stock",
        "INSERT INTO stock (sku, warehouse_id, available, updated_at) VALUES ($1, $2, $3, now()) ON CONFLICT (sku, warehouse_id) DO UPDATE",
    ),
    1_900,
    &[],
);
static INVENTORY_SYNC: Operation = operation(
    Inventory,
    "inventory.sync",
    inside("com/shop/inventory/SupplierSync.java", 132),
    6_000,
    &[once(&SYNC_FEED, 1.0), many(&SYNC_UPSERT, 1.0, 10, 60), once(&STOCK_LOCK, 1.0)],
);

// Catalog.
static PRODUCT_CACHED: Operation =
    operation(Catalog, "GET", Redis { command: "GET", key: "product:{tenant}:{product}" }, 190, &[]);
static PRODUCT_STORE: Operation = operation(
    Catalog,
    "SETEX",
    Redis { command: "SETEX", key: "product:{tenant}:{product} 300 ?" },
    230,
    &[],
);
static PRODUCT_SELECT: Operation = operation(
    Catalog,
    "SELECT products",
    sql(
        Postgres,
        "catalog",
        "SELECT",
        "products",
        "SELECT p.id, p.name, p.description, p.price_units, p.price_nanos, p.currency, p.picture FROM products p WHERE p.active AND p.id = ?",
    ),
    1_700,
    &[],
);
static LIST_SELECT: Operation = operation(
    Catalog,
    "SELECT products",
    sql(
        Postgres,
        "catalog",
        "SELECT",
        "products",
        "SELECT p.id, p.name, p.price_units, p.currency, p.picture FROM products p JOIN shelves s ON s.product_id = p.id WHERE s.id = ?",
    ),
    3_100,
    &[],
);
static SEARCH_SELECT: Operation = operation(
    Catalog,
    "SELECT product_index",
    sql(
        Postgres,
        "catalog",
        "SELECT",
        "product_index",
        "SELECT i.product_id, ts_rank(i.words, q) AS rank FROM product_index i, plainto_tsquery($1) q WHERE i.words @@ q ORDER BY rank",
    ),
    9_000,
    &[],
);
static SEARCH_RANK: Operation =
    operation(Catalog, "search.rank", inside("internal/search/rank.go", 64), 900, &[]);
static PRICE_RULES: Operation =
    operation(Catalog, "pricing.apply_rules", inside("internal/pricing/rules.go", 117), 120, &[]);
static PRODUCT_GET: Operation = operation(
    Catalog,
    "shop.CatalogService/GetProduct",
    serves("shop.CatalogService", "GetProduct"),
    350,
    &[
        once(&PRODUCT_CACHED, 0.95),
        once(&PRODUCT_SELECT, 0.3),
        once(&PRODUCT_STORE, 0.25),
        once(&PRICE_RULES, 0.35),
    ],
);
static PRODUCTS_LIST: Operation = operation(
    Catalog,
    "shop.CatalogService/ListProducts",
    serves("shop.CatalogService", "ListProducts"),
    600,
    &[once(&LIST_SELECT, 1.0), once(&PRICE_RULES, 0.8), many(&PRODUCT_CACHED, 0.5, 2, 4)],
);
static PRODUCTS_SEARCH: Operation = operation(
    Catalog,
    "shop.CatalogService/SearchProducts",
    serves("shop.CatalogService", "SearchProducts"),
    800,
    &[
        once(&SEARCH_SELECT, 1.0),
        once(&SEARCH_RANK, 1.0),
        many(&PRODUCT_CACHED, 1.0, 4, 8),
        many(&PRODUCT_SELECT, 0.4, 1, 3),
    ],
);
static REINDEX_READ: Operation = operation(
    Catalog,
    "SELECT products",
    sql(
        Postgres,
        "catalog",
        "SELECT",
        "products",
        "SELECT id, name, description, brand, words FROM products WHERE active AND updated_at > $1 ORDER BY id LIMIT 200 OFFSET ?",
    ),
    4_000,
    &[],
);
static REINDEX_WRITE: Operation = operation(
    Catalog,
    "INSERT product_index",
    sql(
        Postgres,
        "catalog",
        "INSERT",
        "product_index",
        "INSERT INTO product_index (product_id, words, updated_at) SELECT id, to_tsvector(words), now() FROM products WHERE id = ANY($1)",
    ),
    2_600,
    &[],
);
static REINDEX_PAGE: Operation = operation(
    Catalog,
    "reindex.page",
    inside("internal/search/reindex.go", 203),
    700,
    &[once(&REINDEX_READ, 1.0), many(&REINDEX_WRITE, 1.0, 3, 6), once(&PRODUCT_STORE, 0.5)],
);
static CATALOG_REINDEX: Operation = operation(
    Catalog,
    "catalog.reindex",
    inside("internal/search/reindex.go", 71),
    20_000,
    &[many(&REINDEX_PAGE, 1.0, 120, 420)],
);

// Recommendation.
static FEATURES: Operation = operation(
    Recommendation,
    "MGET",
    Redis { command: "MGET", key: "features:{user} features:{session}" },
    260,
    &[],
);
static MODEL: Operation =
    operation(Recommendation, "model.predict", inside("recommendation/model.py", 219), 14_000, &[]);
static RECOMMENDATIONS_LIST: Operation = operation(
    Recommendation,
    "shop.RecommendationService/ListRecommendations",
    serves("shop.RecommendationService", "ListRecommendations"),
    900,
    &[once(&FEATURES, 1.0), once(&MODEL, 1.0), once(&PRODUCTS_LIST, 0.5)],
);

// Auth.
static SESSION_GET: Operation =
    operation(Auth, "GET", Redis { command: "GET", key: "session:{session}" }, 170, &[]);
static SESSION_SET: Operation =
    operation(Auth, "SETEX", Redis { command: "SETEX", key: "session:{session} 3600 ?" }, 210, &[]);
static USER_SELECT: Operation = operation(
    Auth,
    "SELECT users",
    sql(
        MySql,
        "auth",
        "SELECT",
        "users",
        "SELECT u.id, u.email, u.password_hash, u.locked_until, u.tenant_id, u.roles FROM users u WHERE u.deleted_at IS NULL AND u.id = ?",
    ),
    1_500,
    &[],
);
static PASSWORD: Operation =
    operation(Auth, "PasswordHasher.verify", inside("com/shop/auth/PasswordHasher.java", 57), 60_000, &[]);
static TOKEN_VERIFY: Operation = operation(
    Auth,
    "shop.AuthService/Verify",
    serves("shop.AuthService", "Verify"),
    260,
    &[once(&SESSION_GET, 0.8)],
);
static LOGIN: Operation = operation(
    Auth,
    "POST /auth/login",
    http("POST", "/auth/login"),
    900,
    &[once(&USER_SELECT, 1.0), once(&PASSWORD, 1.0), once(&SESSION_SET, 1.0)],
);

// Cart.
static CART_READ: Operation =
    operation(Cart, "HGETALL", Redis { command: "HGETALL", key: "cart:{user}" }, 240, &[]);
static CART_WRITE: Operation =
    operation(Cart, "HSET", Redis { command: "HSET", key: "cart:{user} {product} ?" }, 260, &[]);
static CART_DROP: Operation = operation(Cart, "DEL", Redis { command: "DEL", key: "cart:{user}" }, 200, &[]);
static CART_GET: Operation = operation(
    Cart,
    "shop.CartService/GetCart",
    serves("shop.CartService", "GetCart"),
    300,
    &[once(&CART_READ, 1.0)],
);
static CART_ADD: Operation = operation(
    Cart,
    "shop.CartService/AddItem",
    serves("shop.CartService", "AddItem"),
    340,
    &[once(&CART_READ, 1.0), once(&CART_WRITE, 1.0), once(&STOCK_CHECK, 0.7)],
);
static CART_EMPTY: Operation = operation(
    Cart,
    "shop.CartService/EmptyCart",
    serves("shop.CartService", "EmptyCart"),
    260,
    &[once(&CART_DROP, 1.0)],
);

// Payment.
static CARD_TOKEN: Operation =
    operation(Payment, "card.tokenize", inside("src/card/tokenize.js", 33), 450, &[]);
static PSP_CHARGE: Operation = operation(
    Payment,
    "POST",
    ExternalHttp { method: "POST", host: "api.psp.example", path: "/v1/charges/{order}" },
    95_000,
    &[],
);
static PAYMENT_INSERT: Operation = operation(
    Payment,
    "INSERT payments",
    sql(
        MySql,
        "payments",
        "INSERT",
        "payments",
        "INSERT INTO payments (order_id, amount_units, amount_nanos, currency, psp_reference, state, created_at) VALUES (?, ?, ?, ?, ?, ?, NOW())",
    ),
    2_100,
    &[],
);
static FRAUD: Operation = operation(Payment, "fraud.score", inside("src/fraud/score.js", 142), 5_000, &[]);
static CHARGE: Operation = operation(
    Payment,
    "shop.PaymentService/Charge",
    serves("shop.PaymentService", "Charge"),
    1_100,
    &[once(&CARD_TOKEN, 1.0), once(&FRAUD, 0.7), once(&PSP_CHARGE, 1.0), once(&PAYMENT_INSERT, 1.0)],
);

// Shipping.
static RATES_CACHED: Operation =
    operation(Shipping, "GET", Redis { command: "GET", key: "shipping:{tenant}:rates" }, 160, &[]);
static CARRIER: Operation = operation(
    Shipping,
    "GET",
    ExternalHttp { method: "GET", host: "rates.carrier.example", path: "/quote/{user}" },
    42_000,
    &[],
);
static QUOTE: Operation = operation(
    Shipping,
    "shop.ShippingService/GetQuote",
    serves("shop.ShippingService", "GetQuote"),
    210,
    &[once(&RATES_CACHED, 1.0), once(&CARRIER, 0.3)],
);
static LABEL: Operation = operation(Shipping, "label.render", inside("src/label.rs", 77), 2_200, &[]);
static SHIP: Operation = operation(
    Shipping,
    "shop.ShippingService/ShipOrder",
    serves("shop.ShippingService", "ShipOrder"),
    480,
    &[once(&CARRIER, 0.9), once(&LABEL, 1.0)],
);

// What follows an order.
static ORDER_PERSIST: Operation = operation(
    OrderWorker,
    "INSERT orders",
    sql(
        Postgres,
        "orders",
        "INSERT",
        "orders",
        "INSERT INTO orders (id, user_id, tenant_id, total_units, total_nanos, currency, state, placed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, now())",
    ),
    2_400,
    &[],
);
static ORDER_STATE: Operation = operation(
    OrderWorker,
    "UPDATE orders",
    sql(
        Postgres,
        "orders",
        "UPDATE",
        "orders",
        "UPDATE orders SET state = $1, carrier = $2, label_url = $3, updated_at = now() WHERE state <> 'cancelled' AND number = ?",
    ),
    1_800,
    &[],
);
static ORDER_WORKFLOW: Operation = operation(
    OrderWorker,
    "OrderWorkflow.advance",
    inside("com/shop/orders/OrderWorkflow.java", 245),
    1_300,
    &[],
);
static ORDER_PROCESS: Operation = operation(
    OrderWorker,
    "orders process",
    Consumer { topic: "orders", group: "order-worker" },
    1_600,
    &[once(&ORDER_PERSIST, 1.0), once(&ORDER_WORKFLOW, 0.9), once(&SHIP, 0.8), once(&ORDER_STATE, 0.9)],
);
static MAIL_RENDER: Operation =
    operation(Notification, "mail.render", inside("app/mailers/order_mailer.rb", 29), 3_600, &[]);
static MAIL_SEND: Operation = operation(
    Notification,
    "POST",
    ExternalHttp { method: "POST", host: "api.mail.example", path: "/v3/send/{order}" },
    70_000,
    &[],
);
static NOTIFY: Operation = operation(
    Notification,
    "orders process",
    Consumer { topic: "orders", group: "notification" },
    900,
    &[once(&MAIL_RENDER, 1.0), once(&MAIL_SEND, 0.95)],
);

// Checkout.
static ORDER_NUMBER: Operation = operation(
    Checkout,
    "SELECT order_numbers",
    sql(
        Postgres,
        "checkout",
        "SELECT",
        "order_numbers",
        "SELECT nextval('order_numbers') AS number, c.prefix, c.region FROM counters c WHERE c.locked_at IS NULL AND c.tenant_id = ?",
    ),
    1_100,
    &[],
);
static TOTALS: Operation =
    operation(Checkout, "order.totals", inside("internal/order/totals.go", 96), 140, &[]);
static ORDER_PUBLISH: Operation = operation(
    Checkout,
    "orders publish",
    Producer { topic: "orders", consumers: &[&ORDER_PROCESS, &NOTIFY] },
    1_200,
    &[],
);
static PLACE_ORDER: Operation = operation(
    Checkout,
    "shop.CheckoutService/PlaceOrder",
    serves("shop.CheckoutService", "PlaceOrder"),
    1_500,
    &[
        once(&CART_GET, 1.0),
        many(&PRODUCT_GET, 1.0, 1, 4),
        many(&CURRENCY_CONVERT, 0.9, 1, 3),
        once(&QUOTE, 1.0),
        once(&TOTALS, 1.0),
        many(&STOCK_RESERVE, 1.0, 1, 3),
        once(&CHARGE, 1.0),
        once(&ORDER_NUMBER, 1.0),
        once(&ORDER_PUBLISH, 1.0),
        once(&CART_EMPTY, 1.0),
    ],
);

// Frontend.
static RENDER: Operation = operation(Frontend, "render", inside("src/render/page.js", 58), 2_600, &[]);
static FLAGS: Operation = operation(
    Frontend,
    "HMGET",
    Redis { command: "HMGET", key: "flags:{tenant} home cart search" },
    150,
    &[],
);
static FRONT_PRODUCT: Operation = operation(
    Frontend,
    "GET /product/{product}",
    http("GET", "/product/{product}"),
    1_200,
    &[
        once(&TOKEN_VERIFY, 0.6),
        once(&PRODUCT_GET, 1.0),
        many(&CURRENCY_CONVERT, 0.8, 1, 2),
        once(&STOCK_CHECK, 0.8),
        once(&RECOMMENDATIONS_LIST, 0.55),
        once(&CART_GET, 0.4),
        once(&RENDER, 0.8),
    ],
);
static FRONT_HOME: Operation = operation(
    Frontend,
    "GET /",
    http("GET", "/"),
    1_400,
    &[
        once(&FLAGS, 1.0),
        once(&TOKEN_VERIFY, 0.5),
        once(&CURRENCY_LIST, 0.8),
        once(&PRODUCTS_LIST, 1.0),
        many(&CURRENCY_CONVERT, 0.5, 2, 5),
        once(&CART_GET, 0.6),
        once(&RENDER, 1.0),
    ],
);
static FRONT_SEARCH: Operation = operation(
    Frontend,
    "GET /search",
    http("GET", "/search"),
    1_300,
    &[once(&FLAGS, 0.5), once(&PRODUCTS_SEARCH, 1.0), many(&CURRENCY_CONVERT, 0.6, 1, 4), once(&RENDER, 1.0)],
);
static FRONT_CART: Operation = operation(
    Frontend,
    "GET /cart",
    http("GET", "/cart"),
    1_100,
    &[
        once(&TOKEN_VERIFY, 0.8),
        once(&CART_GET, 1.0),
        many(&PRODUCT_GET, 0.9, 1, 5),
        once(&QUOTE, 0.7),
        once(&CURRENCY_CONVERT, 0.8),
        once(&RENDER, 1.0),
    ],
);
static FRONT_ADD: Operation = operation(
    Frontend,
    "POST /cart",
    http("POST", "/cart"),
    900,
    &[once(&TOKEN_VERIFY, 0.8), once(&PRODUCT_GET, 1.0), once(&CART_ADD, 1.0), once(&RENDER, 0.4)],
);
static FRONT_CHECKOUT: Operation = operation(
    Frontend,
    "POST /cart/checkout",
    http("POST", "/cart/checkout"),
    1_600,
    &[once(&TOKEN_VERIFY, 1.0), once(&PLACE_ORDER, 1.0), once(&RENDER, 1.0)],
);
static FRONT_RECOMMENDATIONS: Operation = operation(
    Frontend,
    "GET /api/recommendations",
    http("GET", "/api/recommendations"),
    700,
    &[once(&TOKEN_VERIFY, 0.5), once(&RECOMMENDATIONS_LIST, 1.0), many(&PRODUCT_GET, 0.7, 1, 4)],
);
static FRONT_LOGIN: Operation =
    operation(Frontend, "POST /login", http("POST", "/login"), 800, &[once(&LOGIN, 1.0), once(&RENDER, 0.8)]);

// The edge.
static EDGE_RATE_LIMIT: Operation =
    operation(EdgeProxy, "ratelimit.check", inside("source/filters/ratelimit.cc", 174), 40, &[]);
static EDGE_PRODUCT: Operation = edge(
    "GET /product/{product}",
    "GET",
    "/product/{product}",
    &[once(&EDGE_RATE_LIMIT, 0.5), once(&FRONT_PRODUCT, 1.0)],
);
static EDGE_HOME: Operation =
    edge("GET /", "GET", "/", &[once(&EDGE_RATE_LIMIT, 0.5), once(&FRONT_HOME, 1.0)]);
static EDGE_SEARCH: Operation =
    edge("GET /search", "GET", "/search", &[once(&EDGE_RATE_LIMIT, 0.3), once(&FRONT_SEARCH, 1.0)]);
static EDGE_CART: Operation = edge("GET /cart", "GET", "/cart", &[once(&FRONT_CART, 1.0)]);
static EDGE_ADD: Operation =
    edge("POST /cart", "POST", "/cart", &[once(&EDGE_RATE_LIMIT, 0.5), once(&FRONT_ADD, 1.0)]);
static EDGE_CHECKOUT: Operation = edge(
    "POST /cart/checkout",
    "POST",
    "/cart/checkout",
    &[once(&EDGE_RATE_LIMIT, 1.0), once(&FRONT_CHECKOUT, 1.0)],
);
static EDGE_RECOMMENDATIONS: Operation =
    edge("GET /api/recommendations", "GET", "/api/recommendations", &[once(&FRONT_RECOMMENDATIONS, 1.0)]);
static EDGE_LOGIN: Operation =
    edge("POST /login", "POST", "/login", &[once(&EDGE_RATE_LIMIT, 1.0), once(&FRONT_LOGIN, 1.0)]);

const fn edge(
    name: &'static str,
    method: &'static str,
    route: &'static str,
    children: &'static [Child],
) -> Operation {
    operation(EdgeProxy, name, http(method, route), 380, children)
}
