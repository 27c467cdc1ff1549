// title: Relations of a label
// question: What does the ontology say about this label, and who says it?
// param label: label = lung nodule -- the label
// column relation: kind of the relation, as the graph names it
// column direction: to, from, or both ways
// column other: the other label
// column source: who asserts it
MATCH (c:Label {name: $label})
CALL (c) {
  MATCH (c)-[r:IS_A|PART_OF|LOCATED_IN|INHERES_IN|HAS_ATTRIBUTE]->(o:Label)
  RETURN 1 AS place, type(r) AS relation, 'to' AS direction, o.name AS other, r.source AS source
  UNION
  MATCH (c)<-[r:IS_A|PART_OF|LOCATED_IN|INHERES_IN|HAS_ATTRIBUTE]-(o:Label)
  RETURN 2 AS place, type(r) AS relation, 'from' AS direction, o.name AS other, r.source AS source
  UNION
  MATCH (c)-[r:EXCLUSIVE_WITH]-(o:Label)
  RETURN 3 AS place, type(r) AS relation, 'both ways' AS direction, o.name AS other, r.source AS source
  UNION
  MATCH (c)-[r:COMPATIBLE_WITH]-(o:Label)
  RETURN 4 AS place, type(r) AS relation, 'both ways' AS direction, o.name AS other, r.source AS source
  UNION
  MATCH (c)-[r:TYPICALLY_LOCATED_IN|TYPICALLY_HAS|CONFUSABLE_WITH|CONTRALATERAL_OF]->(o:Label)
  RETURN 5 AS place, type(r) AS relation, 'to' AS direction, o.name AS other, r.source AS source
  UNION
  MATCH (c)<-[r:TYPICALLY_LOCATED_IN|TYPICALLY_HAS|CONFUSABLE_WITH|CONTRALATERAL_OF]-(o:Label)
  RETURN 6 AS place, type(r) AS relation, 'from' AS direction, o.name AS other, r.source AS source
  UNION
  MATCH (c)-[r:REPLACED_BY]->(o:Label)
  RETURN 7 AS place, type(r) AS relation, 'to' AS direction, o.name AS other, '' AS source
  UNION
  MATCH (c)<-[r:REPLACED_BY]-(o:Label)
  RETURN 8 AS place, type(r) AS relation, 'from' AS direction, o.name AS other, '' AS source
}
RETURN relation, direction, other, source
ORDER BY place, relation, other, source
