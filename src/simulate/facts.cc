#include <algorithm>

#include "simulate/families.h"
#include "simulate/pattern.h"

namespace weir::simulate {
namespace {

struct Fact {
  std::string_view about, answer;
  int difficulty;
};
struct Relation {
  std::string_view pattern;
  std::vector<Fact> facts;
};

const std::vector<Relation>& relations() {
  static const std::vector<Relation> kRelations = {{"What is the capital of {w}?",
                                                    {{"France", "Paris", 1},
                                                     {"Germany", "Berlin", 1},
                                                     {"Japan", "Tokyo", 1},
                                                     {"Italy", "Rome", 1},
                                                     {"Spain", "Madrid", 1},
                                                     {"Egypt", "Cairo", 1},
                                                     {"Canada", "Ottawa", 1},
                                                     {"Brazil", "Brasilia", 1},
                                                     {"Kenya", "Nairobi", 1},
                                                     {"Norway", "Oslo", 1},
                                                     {"Poland", "Warsaw", 1},
                                                     {"Portugal", "Lisbon", 1},
                                                     {"Mongolia", "Ulaanbaatar", 3},
                                                     {"Bhutan", "Thimphu", 3},
                                                     {"Suriname", "Paramaribo", 3},
                                                     {"Eritrea", "Asmara", 3},
                                                     {"Kyrgyzstan", "Bishkek", 3},
                                                     {"Palau", "Ngerulmud", 3}}},
                                                   {"What is the chemical symbol of {w}?",
                                                    {{"gold", "Au", 1},
                                                     {"silver", "Ag", 1},
                                                     {"iron", "Fe", 1},
                                                     {"copper", "Cu", 1},
                                                     {"oxygen", "O", 1},
                                                     {"sodium", "Na", 1},
                                                     {"tungsten", "W", 2},
                                                     {"antimony", "Sb", 3}}},
                                                   {"Who wrote {w}?",
                                                    {{"Hamlet", "William Shakespeare", 1},
                                                     {"Don Quixote", "Miguel de Cervantes", 1},
                                                     {"War and Peace", "Leo Tolstoy", 1},
                                                     {"Pride and Prejudice", "Jane Austen", 1},
                                                     {"The Trial", "Franz Kafka", 2},
                                                     {"Middlemarch", "George Eliot", 2},
                                                     {"Things Fall Apart", "Chinua Achebe", 2}}},
                                                   {"Which planet is number {n} from the sun?",
                                                    {{"1", "Mercury", 1},
                                                     {"2", "Venus", 1},
                                                     {"3", "Earth", 1},
                                                     {"4", "Mars", 1},
                                                     {"5", "Jupiter", 1},
                                                     {"6", "Saturn", 1},
                                                     {"7", "Uranus", 1},
                                                     {"8", "Neptune", 1}}}};
  return kRelations;
}

}  // namespace

Question make_fact(int difficulty, Random& random) {
  while (true) {
    const Relation& relation = relations()[random.below(relations().size())];
    const Fact& fact = relation.facts[random.below(relation.facts.size())];
    if (fact.difficulty > std::max(1, difficulty)) continue;
    return {Family::kFacts, fill(relation.pattern, {std::string(fact.about)}),
            std::string(fact.answer), fact.difficulty};
  }
}

std::optional<Solved> solve_fact(std::string_view text) {
  std::optional<Solved> last;
  for (const Relation& relation : relations()) {
    const auto match = find_last(relation.pattern, text);
    if (!match || (last && last->position > match->begin)) continue;
    const auto fact = std::ranges::find(relation.facts, match->values[0], &Fact::about);
    if (fact == relation.facts.end()) continue;
    Solved solved;
    solved.family = Family::kFacts;
    solved.position = match->begin;
    solved.text = text.substr(match->begin, match->end - match->begin);
    solved.answer = fact->answer;
    solved.difficulty = fact->difficulty;
    for (const Fact& other : relation.facts)
      if (other.answer != fact->answer) solved.others.emplace_back(other.answer);
    last = std::move(solved);
  }
  return last;
}

}  // namespace weir::simulate
