#include "store/importer.h"

#include <gtest/gtest.h>

#include "store/sample_records.h"
#include "store/schema.h"

namespace weir::store {
namespace {

class ImporterTest : public ::testing::Test {
 protected:
  ImporterTest() : database_(Database::open(":memory:", Access::kReadWrite).value()) {
    EXPECT_TRUE(migrate(database_, migrations()));
    importer_ = Importer::open(database_).value();
  }

  int64_t number(const std::string& sql) {
    Statement statement = database_.prepare(sql).value();
    EXPECT_TRUE(statement.step().value());
    return statement.int64(0);
  }
  void import_all(std::vector<Record> records) {
    ASSERT_TRUE(importer_->begin());
    for (Record& record : records)
      ASSERT_TRUE(importer_->add(std::move(record)));
    ASSERT_TRUE(importer_->commit(&tally_));
  }

  Database database_;
  std::unique_ptr<Importer> importer_;
  Tally tally_{0};
};

TEST_F(ImporterTest, AStartWaitsInMemoryUntilItsEndOrUntilItMustBeWritten) {
  import_all({sample_start(1), sample_start(2)});
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests"), 0);
  import_all({sample_end(1)});
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE mode = 'route' AND outcome = 'ok'"), 1);
  ASSERT_TRUE(importer_->begin());
  ASSERT_TRUE(importer_->write_open());
  ASSERT_TRUE(importer_->commit(&tally_));
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome IS NULL"), 1);
  import_all({sample_end(2)});
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE mode = 'route' AND outcome = 'ok'"), 2);
  EXPECT_EQ(tally_.report(1).routed_calls, 2);
}

// Every batch fails once at its end and is given again.
TEST_F(ImporterTest, ABatchThatWasRolledBackCanBeGivenAgainWhereverItIsCut) {
  std::vector<Record> records;
  for (int64_t n = 0; n < 6; ++n) {
    records.emplace_back(sample_start(n));
    if (n > 1) records.emplace_back(sample_end(n - 2));
  }
  for (size_t cut = 0; cut <= records.size(); ++cut) {
    ASSERT_TRUE(database_.execute("DELETE FROM requests; DELETE FROM calls;"));
    importer_ = Importer::open(database_).value();
    tally_ = Tally(0);
    const auto middle = records.begin() + static_cast<std::ptrdiff_t>(cut);
    for (const auto& [from, to] : {std::pair(records.begin(), middle), {middle, records.end()}}) {
      for (const bool writes_open : {true, false}) {
        ASSERT_TRUE(importer_->begin());
        for (auto record = from; record != to; ++record)
          ASSERT_TRUE(importer_->add(Record(*record)));
        if (writes_open) {
          ASSERT_TRUE(importer_->write_open());
        }
        importer_->roll_back();
      }
      import_all({from, to});
    }
    EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE mode = 'route' AND outcome = 'ok'"), 4);
    EXPECT_EQ(number("SELECT COUNT(*) FROM calls"), 4);
    EXPECT_EQ(tally_.report(1).calls, 4);
    ASSERT_TRUE(importer_->begin());
    ASSERT_TRUE(importer_->write_open());
    ASSERT_TRUE(importer_->commit(&tally_));
    EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE outcome IS NULL"), 2);
  }
}

TEST_F(ImporterTest, TheFirstEndStands) {
  EndRecord other = sample_end(1);
  other.status = 500;
  import_all({sample_start(1), sample_end(1), other});
  import_all({sample_start(1), other});
  EXPECT_EQ(number("SELECT status FROM requests"), 200);
  EXPECT_EQ(number("SELECT COUNT(*) FROM calls"), 1);
  EXPECT_EQ(tally_.report(1).calls, 1);
}

TEST_F(ImporterTest, AnUnpricedCallMakesTheRequestsCostUnknown) {
  EndRecord end = sample_end(1);
  end.calls.push_back(end.calls[0]);
  end.calls[0].role = CallRole::kDiscarded;
  end.calls[0].cost_nanousd.reset();
  import_all({sample_start(1), end});
  EXPECT_EQ(number("SELECT COUNT(*) FROM requests WHERE cost_nanousd IS NULL"), 1);
  EXPECT_EQ(number("SELECT unpriced_calls FROM requests"), 1);

  end = sample_end(2);
  end.calls.insert(
      end.calls.begin(),
      CallRecord{.role = CallRole::kDiscarded, .status = 529, .outcome = "overloaded"});
  import_all({sample_start(2), end});
  EXPECT_EQ(number("SELECT cost_nanousd FROM requests WHERE cost_nanousd IS NOT NULL"), 800'000);
}

}  // namespace
}  // namespace weir::store
