-- title: COVID-19 by day, the nation
-- description: Every figure of the nation and day as it was ingested, nothing computed
-- sources: [covid.us_daily]
-- columns:
--   date: {caption: Date, description: "The day the figures are of"}
--   states: {caption: States, description: "States and territories that reported"}
--   positive: {caption: Positive, description: "Cases, confirmed and probable"}
--   negative: {caption: Negative, description: "People with a completed negative PCR test"}
--   pending: {caption: Pending, description: "Tests whose result is not known yet"}
--   hospitalized_currently:
--     caption: Hospitalized currently
--     description: "People in hospital on this day"
--   hospitalized_cumulative:
--     caption: Hospitalized cumulative
--     description: "People who were ever in hospital"
--   in_icu_currently:
--     caption: In ICU currently
--     description: "People in intensive care on this day"
--   in_icu_cumulative:
--     caption: In ICU cumulative
--     description: "People who were ever in intensive care"
--   on_ventilator_currently:
--     caption: On ventilator currently
--     description: "People on a ventilator on this day"
--   on_ventilator_cumulative:
--     caption: On ventilator cumulative
--     description: "People who were ever on a ventilator"
--   recovered: {caption: Recovered, description: "People who recovered"}
--   death: {caption: Death, description: "Deaths, confirmed and probable"}
--   total_test_results:
--     caption: Total test results
--     description: "Total tests of all states, in whatever unit each prefers"
--   positive_increase: {caption: Positive increase, description: "Cases more than the day before"}
--   negative_increase:
--     caption: Negative increase
--     description: "Negative tests more than the day before"
--   death_increase: {caption: Death increase, description: "Deaths more than the day before"}
--   hospitalized_increase:
--     caption: Hospitalized increase
--     description: "People ever in hospital, more than the day before"
--   total_test_results_increase:
--     caption: Total test results increase
--     description: "Total tests more than the day before"
--   last_update: {caption: Last update, description: "When the row was ingested or last changed"}
-- order: [date desc]
-- schedule: "50 5 * * *"

SELECT date, states, positive, negative, pending, hospitalized_currently,
    hospitalized_cumulative, in_icu_currently, in_icu_cumulative, on_ventilator_currently,
    on_ventilator_cumulative, recovered, death, total_test_results, positive_increase,
    negative_increase, death_increase, hospitalized_increase, total_test_results_increase,
    last_update
FROM covid.us_daily
