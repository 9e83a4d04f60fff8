//! What the services behind the checkout do, callees before callers.

use super::Class::{Consumer, ExternalHttp, Redis};
use super::Sql::{MySql, Postgres};
use super::{Operation, http, inside, many, once, operation, serves, sql};
use crate::service::Service::{
    Auth, Cart, Catalog, Currency, Inventory, Notification, OrderWorker, Payment, Recommendation, Shipping,
};

// Currency.
static CURRENCY_RATES: Operation =
    operation(Currency, "GET", Redis { command: "GET", key: "rates:eur:{tenant}" }, 180, &[]);
static CURRENCY_ROUND: Operation =
    operation(Currency, "currency.round", inside("src/money/round.cc", 41), 15, &[]);
pub(super) static CURRENCY_CONVERT: Operation = operation(
    Currency,
    "shop.CurrencyService/Convert",
    serves("shop.CurrencyService", "Convert"),
    240,
    &[once(&CURRENCY_RATES, 0.6), once(&CURRENCY_ROUND, 0.3)],
);
pub(super) static CURRENCY_LIST: Operation = operation(
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
pub(super) static STOCK_CHECK: Operation = operation(
    Inventory,
    "shop.InventoryService/CheckStock",
    serves("shop.InventoryService", "CheckStock"),
    420,
    &[once(&STOCK_CACHED, 0.9), once(&STOCK_SELECT, 0.35)],
);
pub(super) static STOCK_RESERVE: Operation = operation(
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
pub(super) static INVENTORY_SYNC: Operation = operation(
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
pub(super) static PRODUCT_GET: Operation = operation(
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
pub(super) static PRODUCTS_LIST: Operation = operation(
    Catalog,
    "shop.CatalogService/ListProducts",
    serves("shop.CatalogService", "ListProducts"),
    600,
    &[once(&LIST_SELECT, 1.0), once(&PRICE_RULES, 0.8), many(&PRODUCT_CACHED, 0.5, 2, 4)],
);
pub(super) static PRODUCTS_SEARCH: Operation = operation(
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
pub(super) static CATALOG_REINDEX: Operation = operation(
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
pub(super) static RECOMMENDATIONS_LIST: Operation = operation(
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
pub(super) static TOKEN_VERIFY: Operation = operation(
    Auth,
    "shop.AuthService/Verify",
    serves("shop.AuthService", "Verify"),
    260,
    &[once(&SESSION_GET, 0.8)],
);
pub(super) static LOGIN: Operation = operation(
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
pub(super) static CART_GET: Operation = operation(
    Cart,
    "shop.CartService/GetCart",
    serves("shop.CartService", "GetCart"),
    300,
    &[once(&CART_READ, 1.0)],
);
pub(super) static CART_ADD: Operation = operation(
    Cart,
    "shop.CartService/AddItem",
    serves("shop.CartService", "AddItem"),
    340,
    &[once(&CART_READ, 1.0), once(&CART_WRITE, 1.0), once(&STOCK_CHECK, 0.7)],
);
pub(super) static CART_EMPTY: Operation = operation(
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
pub(super) static CHARGE: Operation = operation(
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
pub(super) static QUOTE: Operation = operation(
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
pub(super) static ORDER_PROCESS: Operation = operation(
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
pub(super) static NOTIFY: Operation = operation(
    Notification,
    "orders process",
    Consumer { topic: "orders", group: "notification" },
    900,
    &[once(&MAIL_RENDER, 1.0), once(&MAIL_SEND, 0.95)],
);
