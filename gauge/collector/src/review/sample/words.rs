//! Texts of synthetic exchanges: questions, answers, reasons of judges and comments of users.

/// Questions. The answer to each has the same index.
pub(super) const QUESTIONS: &[&str] = &[
    "Can I take my bicycle on the night train to Vienna?",
    "How do I change the name on an order that I have already paid?",
    "What is the difference between the two savings accounts?",
    "My router shows a red light since the storm. What can I do?",
    "Summarise the attached minutes in three sentences, please.",
    "Which documents do I need to register a company in Portugal?",
];

/// Answers to the questions.
pub(super) const ANSWERS: &[&str] = &[
    "Yes. Bicycles travel in the luggage van for a fee of 4 euros; please reserve a place before the day of departure.",
    "Open the order, choose Details, then Change. After payment the name can be changed until the parcel leaves.",
    "The first pays interest every month and can be cancelled at any time; the second is fixed for a year and pays more.",
    "A red light means that there is no signal on the line. Unplug the router for a minute, then check the cable.",
    "The board approved the budget. The move is put off until March. Two tasks went to the new team.",
    "You need an identity document, a tax number, an address in the country and the articles of association.",
];

/// Reasons for a judge's low scores.
pub(super) const REASONS: &[&str] = &[
    "Two of the five claims are not in the documents.",
    "The deadline that the documents give is left out.",
    "It answers another question than the one that was asked.",
    "The second step contradicts the manual.",
    "The sum is right, but the period it is for is missing.",
];

/// Comments of users who rated down.
pub(super) const COMMENTS_DOWN: &[&str] = &[
    "That is not what the contract says.",
    "That is not what I asked.",
    "Did not help. I had to call.",
    "One detail is wrong.",
];

/// Comments of users who rated up.
pub(super) const COMMENTS_UP: &[&str] = &["Thank you!", "Exactly what I needed.", "Quick and right."];
