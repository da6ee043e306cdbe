#include "tools/options.h"

#include <gtest/gtest.h>

namespace synod {
namespace {

using Words = std::vector<std::string>;
constexpr const char* mons = "127.0.0.1:1";

Options good(const Words& words, const std::string& monitors = mons) {
  Result<Options> options = parse_options(words, monitors);
  EXPECT_TRUE(options.has_value()) << options.error().message();
  return options ? *std::move(options) : Options();
}

std::string complaint(const Words& words, const std::string& monitors = mons) {
  const Result<Options> options = parse_options(words, monitors);
  EXPECT_FALSE(options.has_value());
  if (options) return {};
  EXPECT_EQ(options.error().code(), Code::invalid_argument);
  EXPECT_EQ(options.error().message().find('\n'), std::string::npos) << "one line";
  return options.error().message();
}

void expect_complaint(const Words& words, const std::string& part) {
  const std::string message = complaint(words);
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(OptionsTest, defaults) {
  const Options options = good({"status"});
  EXPECT_EQ(options.command, "status");
  EXPECT_EQ(options.monitors, Words{mons});
  EXPECT_EQ(options.format, Format::plain);
  EXPECT_EQ(options.timeout, std::chrono::seconds(5));
  EXPECT_EQ(options.consistency, Consistency::linearizable);
  EXPECT_FALSE(options.prefix.has_value());
  EXPECT_EQ(options.limit, 0U);
  EXPECT_EQ(options.batch_keys, 256U);
  EXPECT_FALSE(options.wait_quorum.has_value());
}

TEST(OptionsTest, a_scrub_takes_its_time_unless_it_is_told_how_much) {
  EXPECT_EQ(good({"scrub"}).timeout, std::chrono::minutes(10));
  EXPECT_EQ(good({"scrub", "--timeout", "7"}).timeout, std::chrono::seconds(7));
  expect_complaint({"scrub", "x"}, "too many arguments");
  expect_complaint({"scrub", "--limit", "7"}, "takes no option --limit");
}

TEST(OptionsTest, stand_before_or_behind_the_command_or_between_its_arguments) {
  for (const Words& words : {Words{"--timeout", "2", "put", "k", "v"}, Words{"put", "k", "v", "--timeout", "2"},
                             Words{"put", "k", "--timeout=2", "v"}}) {
    const Options options = good(words);
    EXPECT_EQ(options.command, "put");
    EXPECT_EQ(options.arguments, (Words{"k", "v"}));
    EXPECT_EQ(options.timeout, std::chrono::seconds(2));
  }
}

TEST(OptionsTest, the_monitors_of_the_command_line_win_over_the_environment) {
  EXPECT_EQ(good({"status", "--mons", "h:1,[::1]:2,h:1"}, "other:3").monitors, (Words{"h:1", "[::1]:2"}));
  EXPECT_EQ(good({"status"}, "other:3,b:4").monitors, (Words{"other:3", "b:4"}));
}

TEST(OptionsTest, arguments_may_be_empty_or_a_dash_or_anything_behind_two_dashes) {
  EXPECT_EQ(good({"put", "k", ""}).arguments, (Words{"k", ""}));
  EXPECT_EQ(good({"import", "-"}).arguments, Words{"-"});
  EXPECT_EQ(good({"put", "--", "--limit", "-5"}).arguments, (Words{"--limit", "-5"}));
  EXPECT_EQ(good({"put", "k", "a=b c\td"}).arguments, (Words{"k", "a=b c\td"}));
  EXPECT_EQ(good({"range", ""}).arguments, Words{""});
}

TEST(OptionsTest, each_command_has_its_own) {
  EXPECT_EQ(good({"get", "k", "--consistency", "serializable"}).consistency, Consistency::serializable);
  EXPECT_EQ(good({"range", "--prefix", "p", "--limit", "7"}).limit, 7U);
  EXPECT_EQ(*good({"range", "--prefix", "p"}).prefix, "p");
  EXPECT_EQ(*good({"range", "--prefix", ""}).prefix, "");
  EXPECT_EQ(good({"import", "f", "--batch", "3"}).batch_keys, 3U);
  EXPECT_EQ(*good({"status", "--wait-quorum", "3"}).wait_quorum, 3U);
  EXPECT_EQ(good({"export", "--format", "json"}).format, Format::json);
  EXPECT_EQ(good({"get", "k", "--timeout", "0.25"}).timeout, std::chrono::milliseconds(250));
}

TEST(OptionsTest, help_and_version_need_nothing_else) {
  EXPECT_TRUE(good({"--help"}, "").help);
  EXPECT_TRUE(good({"put", "--help"}, "").help);
  EXPECT_TRUE(good({"--version"}, "").version);
}

TEST(OptionsTest, a_command_is_needed_and_known) {
  expect_complaint({}, "no command");
  expect_complaint({"--timeout", "1"}, "no command");
  expect_complaint({"frobnicate"}, "'frobnicate'");
}

TEST(OptionsTest, monitors_are_needed_and_have_a_form) {
  EXPECT_NE(complaint({"status"}, "").find("SYNOD_MONS"), std::string::npos);
  expect_complaint({"status", "--mons", ""}, "address");
  expect_complaint({"status", "--mons", "host"}, "'host'");
  expect_complaint({"status", "--mons", "h:1,,h:2"}, "''");
  expect_complaint({"status", "--mons", "h:70000"}, "h:70000");
}

// Boost replaced %value% by the value, in the value too, and so on for ever.
TEST(OptionsTest, what_looks_like_a_placeholder_of_boost_is_refused_or_taken_as_it_is) {
  for (const char* option : {"--%canonical_option%", "--%original_token%", "-%original_token%", "--%value%"}) {
    const Result<Options> refused = parse_options({option, "status"}, "");
    ASSERT_FALSE(refused) << option;
    EXPECT_EQ(refused.error().code(), Code::invalid_argument);
  }
  const Result<Options> taken = parse_options({"--mons", "a:1", "put", "%canonical_option%", "100%"}, "");
  EXPECT_TRUE(taken) << taken.error().to_string();
}

TEST(OptionsTest, unknown_abbreviated_and_repeated_options_are_refused) {
  expect_complaint({"status", "--frobnicate"}, "--frobnicate");
  expect_complaint({"status", "--time", "3"}, "--time");
  expect_complaint({"status", "-x"}, "-x");
  expect_complaint({"status", "--word", "x"}, "--word");
  expect_complaint({"status", "--timeout"}, "timeout");
  expect_complaint({"status", "--timeout", "1", "--timeout", "2"}, "twice");
}

TEST(OptionsTest, an_option_of_another_command_is_refused) {
  expect_complaint({"put", "k", "v", "--limit", "1"}, "put takes no option --limit");
  expect_complaint({"export", "--limit", "1"}, "export takes no option --limit");
  expect_complaint({"get", "k", "--wait-quorum", "1"}, "--wait-quorum");
}

TEST(OptionsTest, the_number_of_arguments_is_checked) {
  expect_complaint({"put", "k"}, "too few arguments: synod put KEY VALUE");
  expect_complaint({"put", "k", "v", "w"}, "too many");
  expect_complaint({"get"}, "too few");
  expect_complaint({"status", "x"}, "too many");
  expect_complaint({"range"}, "too few");
  expect_complaint({"leader", "transfer"}, "too few arguments: synod leader transfer NAME");
  expect_complaint({"leader", "depose", "a"}, "'leader depose'");
  expect_complaint({"range", "a", "b", "c"}, "too many");
  expect_complaint({"range", "a", "--prefix", "p"}, "too many");
  expect_complaint({"import"}, "too few");
}

TEST(OptionsTest, values_are_checked) {
  for (const char* seconds : {"", "x", "-1", "0", "1s", "nan", "inf", "1e9"}) {
    expect_complaint({"status", std::string("--timeout=") + seconds}, "timeout");
  }
  for (const char* number : {"-1", "x", "1.5", "99999999999999999999"}) {
    expect_complaint({"range", "k", std::string("--limit=") + number}, "--limit");
  }
  expect_complaint({"import", "f", "--batch=0"}, "--batch");
  expect_complaint({"status", "--wait-quorum=0"}, "--wait-quorum");
  expect_complaint({"status", "--format", "xml"}, "'xml'");
  expect_complaint({"get", "k", "--consistency", "eventual"}, "'eventual'");
}

TEST(OptionsTest, the_help_names_every_option_with_its_default_and_the_exit_codes) {
  const std::string help = help_text();
  for (const char* part :
       {"--mons", "--format",  "--timeout",  "--wait-quorum", "--consistency", "--prefix", "--limit",    "--batch",
        "--help", "--version", "default: 5", "default: 256",  "seconds",       "130",      "SYNOD_MONS", "status",
        "put",    "get",       "del",        "range",         "export",        "import"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace synod
