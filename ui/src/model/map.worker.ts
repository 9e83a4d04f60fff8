// Places services by who calls whom, away from the page's own thread.

import { graphlib, layout } from '@dagrejs/dagre';

export interface Question {
  nodes: { name: string; width: number; height: number }[];
  edges: { parent: string; child: string }[];
}

export interface Placed {
  width: number;
  height: number;
  nodes: { name: string; x: number; y: number }[];
  edges: { parent: string; child: string; points: { x: number; y: number }[] }[];
}

self.onmessage = ({ data }: MessageEvent<Question>) => {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 90, marginx: 12, marginy: 12, ranker: 'tight-tree' });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name, width, height } of data.nodes) graph.setNode(name, { width, height });
  for (const { parent, child } of data.edges) graph.setEdge(parent, child);
  layout(graph);
  const size = graph.graph() as { width: number; height: number };
  const placed: Placed = {
    width: size.width,
    height: size.height,
    nodes: data.nodes.map(({ name }) => {
      const { x, y } = graph.node(name) as { x: number; y: number };
      return { name, x, y };
    }),
    edges: data.edges.map(({ parent, child }) => ({ parent, child, points: (graph.edge(parent, child) as { points: { x: number; y: number }[] }).points })),
  };
  self.postMessage(placed);
};
