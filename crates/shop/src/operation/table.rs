//! What customers ask for, how often, and what the edge, the frontend and the checkout do about it.

use super::Class::{Producer, Redis};
use super::Sql::Postgres;
use super::behind::{
    CART_ADD, CART_EMPTY, CART_GET, CATALOG_REINDEX, CHARGE, CURRENCY_CONVERT, CURRENCY_LIST, INVENTORY_SYNC,
    LOGIN, NOTIFY, ORDER_PROCESS, PRODUCT_GET, PRODUCTS_LIST, PRODUCTS_SEARCH, QUOTE, RECOMMENDATIONS_LIST,
    STOCK_CHECK, STOCK_RESERVE, TOKEN_VERIFY,
};
use super::{Child, Operation, http, inside, many, once, operation, serves, sql};
use crate::service::Service::{Checkout, EdgeProxy, Frontend};

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
