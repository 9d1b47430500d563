// Kind mf: matrix factorisation as RouteLLM's code trains it (arXiv 2406.18665). The strength of a
// model M for a query with vector q is d(M, q) = c . (v_M * (W q)), without biases; P(a beats b) =
// 1 / (1 + exp(d(b, q) - d(a, q))). For fixed models this collapses to one direction each:
// d(M, q) = q . (W^T (c * v_M)), which is what serves. What mf.cc and the fit share.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace weir::model {

// Sections of a router file.
namespace section {
inline constexpr std::string_view kMfProjection = "mf_projection";  // W: f64 [width, dimension]
inline constexpr std::string_view kMfModels = "mf_models";          // v: [models, width]
inline constexpr std::string_view kMfClassifier = "mf_classifier";  // c: [width]
}  // namespace section

// Views only.
struct Factors {
  std::span<const double> projection;  // [width, dimension]
  std::span<const double> models;      // [models, width]
  std::span<const double> classifier;  // [width]
};

// [models, dimension]: W^T (c * v_M) of every model.
std::vector<float> collapse(const Factors& factors, size_t dimension);

}  // namespace weir::model
