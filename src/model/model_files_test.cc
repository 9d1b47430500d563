#include "model/model_files.h"

#include <gtest/gtest.h>

namespace weir::model {
namespace {

using Paths = std::vector<std::filesystem::path>;

TEST(ModelFolders, OverrideIsTheOnlyFolder) {
  EXPECT_EQ(model_folders("/srv/models", "/opt/weir/bin/weir"), Paths{"/srv/models"});
}

TEST(ModelFolders, BesideTheExecutableThenItsParentsThenInstalled) {
  EXPECT_EQ(model_folders(std::nullopt, "/a/b/c/d/weir"),
            (Paths{"/a/b/c/d/models", "/a/b/c/models", "/a/b/models", "/a/models",
                   "/usr/local/share/weir/models"}));
}

TEST(ModelFolders, StopAtTheRoot) {
  EXPECT_EQ(model_folders(std::nullopt, "/bin/weir"),
            (Paths{"/bin/models", "/models", "/usr/local/share/weir/models"}));
  EXPECT_EQ(model_folders(std::nullopt, std::nullopt), Paths{"/usr/local/share/weir/models"});
}

TEST(FindModelFile, RefusesPaths) {
  for (const std::string_view name : {"", ".", "..", "a/b", "/etc/passwd", "../x"}) {
    const auto found = find_model_file(name);
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(FindModelFile, NamesWhatWasSearchedWhenMissing) {
  const auto found = find_model_file("no-such-model.bin");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
  EXPECT_NE(found.error().message.find("WEIR_MODELS"), std::string::npos);
  EXPECT_NE(found.error().message.find("no-such-model.bin"), std::string::npos);
}

TEST(FindModelFile, FindsTheShippedTableFromTheBuildFolder) {
  const auto found = find_model_file("static-embedding.bin");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(std::filesystem::is_regular_file(*found));
}

}  // namespace
}  // namespace weir::model
