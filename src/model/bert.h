// Names shared by the two sides of kind bert, its estimator (bert.cc) and its fit
// (train/fit_bert.cc). A head reads the encoder's vector and gives a gap q_strong - q_weak; a curve
// of the length is added to it, and a map makes the sum a probability. An encoder that was
// fine-tuned with a head of its own gives the logits of its labels, or the gap as a vector of one
// number.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::model {

// Setting `head`.
inline constexpr std::string_view kLinearHead = "linear";  // gap = w.x + b
inline constexpr std::string_view kMlpHead = "mlp";        // gap = v.relu(W x + a) + b
// The encoder's own, with labels as RouteLLM's: P(strong needed) = softmax(x)[0].
inline constexpr std::string_view kLabelsHead = "labels";

inline constexpr size_t kMostHidden = 1024;

namespace section {
inline constexpr std::string_view kHead = "head";                     // the setting
inline constexpr std::string_view kHeadWeights = "head_weights";      // linear [d]; mlp v [h]
inline constexpr std::string_view kHiddenWeights = "hidden_weights";  // mlp W [h * d]
inline constexpr std::string_view kHiddenBias = "hidden_bias";        // mlp a [h]
}  // namespace section

}  // namespace weir::model
